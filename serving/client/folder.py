"""``umop-serve detect``: sends images to a running service and saves the detections."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track

from serving.client import Client, ClientError
from serving.inference import decoding, draw
from serving.inference.decoding import ImageError
from serving.inference.sources import MAX_PIXELS, images_in
from serving.schemas.coco import to_coco
from serving.schemas.detections import DetectionResult, DetectResponse
from serving.schemas.options import DetectOptions


@dataclass(frozen=True)
class SendOptions:
    """Options of the command.

    Attributes:
        detect: What to report.
        format: Format of ``detections.json``.
        draw: Whether annotated images are written.
        jobs: Images sent at the same time.
    """

    detect: DetectOptions
    format: Literal["json", "coco"]
    draw: bool
    jobs: int


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Returns the files among ``paths``, and the images in the folders among them.

    Raises:
        ClientError: A path does not exist, or there is no image.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ClientError(f"{path}: no such file or folder")
        found += images_in(path) if path.is_dir() else [path]
    if not found:
        raise ClientError("there is no image to send")
    return list(dict.fromkeys(found))


def send(client: Client, images: Sequence[Path], out: Path, options: SendOptions) -> list[str]:
    """Sends images; writes ``detections.json`` and, where requested, annotated images to ``out``.

    Args:
        client: Knows the service.
        images: Files.
        out: The folder to write to; it is made.
        options: The command's options.

    Returns:
        A line for each image that failed.

    Raises:
        ClientError: The service cannot be reached.
    """
    classes = client.model().classes
    out.mkdir(parents=True, exist_ok=True)
    found: list[tuple[str, DetectResponse]] = []
    failures: list[str] = []
    paths = annotated_paths(images, out / "images")
    with ThreadPoolExecutor(options.jobs) as threads:
        answers = threads.map(partial(_send_one, client, options), images, paths)
        shown = track(answers, "Detecting", len(images), console=Console(stderr=True))
        for path, answer in zip(images, shown, strict=True):
            if isinstance(answer, str):
                failures.append(f"{path}: {answer}")
            else:
                found.append((str(path), answer))
    document = _document(found, classes, options.format)
    (out / "detections.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return failures


def annotated_paths(images: Sequence[Path], folder: Path) -> list[Path]:
    """Returns where the annotated images go: a ``.jpg`` of its own in ``folder`` for each.

    It follows its image's path and name; where two would share one, the later gets a number.
    """
    paths: dict[Path, None] = {}
    for image in images:
        paths[_free_path(folder / _annotated_name(image), paths)] = None
    return list(paths)


def _send_one(
    client: Client, options: SendOptions, path: Path, annotated: Path
) -> DetectResponse | str:
    try:
        data = path.read_bytes()
        answer = client.detect(
            data,
            score_threshold=options.detect.score_threshold,
            max_detections=options.detect.max_detections,
            classes=options.detect.classes,
        )
        if options.draw:
            drawn = draw.annotate(decoding.decode(data, MAX_PIXELS), answer.detections)
            annotated.parent.mkdir(parents=True, exist_ok=True)
            annotated.write_bytes(draw.encode(drawn, "image/jpeg"))
    except (ClientError, ImageError, OSError) as error:
        return str(error)
    return answer


def _annotated_name(image: Path) -> Path:
    inside = Path(*(part for part in image.parts if part not in (image.anchor, "..")))
    is_jpg = inside.suffix.lower() == ".jpg"
    return inside if is_jpg else inside.with_name(f"{inside.name}.jpg")


def _free_path(wanted: Path, taken: Container[Path]) -> Path:
    numbered = (wanted.with_stem(f"{wanted.stem}.{number}") for number in count(2))
    return next(path for path in chain([wanted], numbered) if path not in taken)


def _document(
    found: Sequence[tuple[str, DetectResponse]], classes: Sequence[str], format: str
) -> object:
    if format == "json":
        return {name: answer.model_dump() for name, answer in found}
    images = [(name, _as_found(answer)) for name, answer in found]
    return to_coco(images, classes).model_dump()


def _as_found(answer: DetectResponse) -> DetectionResult:
    return DetectionResult(answer.model, answer.image, answer.detections, {})
