"""Bytes to the model's input: Pillow, OpenCV, and JPEGs decoded at a part of their size.

    python benchmarks/decode.py PHOTO [BUNDLE]

The photograph is enlarged to 12 and 24 megapixels and scaled for an input of 1333 × 800. The ways
take turns, so that whatever else runs meets them alike; times are medians. With a bundle, its
network then looks at both large JPEGs, exactly and reduced, for an input of half their size: how
far apart are the boxes that both find, in pixels of the input, and how many does only one find?
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.bundle import Bundle
from serving.bundle.schema import InputSpec, Size
from serving.inference import decoding
from serving.inference.detector import Detector
from serving.inference.engines import open_engine
from serving.inference.postprocess import Detections
from serving.inference.preprocess import input_size, preprocess

SIZES = ((4000, 3000), (6000, 4000))
INPUT = Size(width=1333, height=800)
ROUNDS = 9
MAX_PIXELS = 50_000_000
SAME_OBJECT = 0.5
Way = Callable[[bytes], NDArray[np.uint8]]


def main() -> None:
    photo = Image.open(sys.argv[1]).convert("RGB")
    jpegs = [enlarge(photo, size) for size in SIZES]
    spec = InputSpec(mean=(0, 0, 0), std=(1, 1, 1), resize=INPUT)
    cv2.setNumThreads(1)
    print("| image | way | milliseconds | |\n|---|---|---|---|")
    for (width, height), jpeg in zip(SIZES, jpegs, strict=True):
        times = take_turns(ways(spec), jpeg)
        name = f"{width} × {height}, {len(jpeg) / 2**20:.1f} MiB"
        for way, seconds in times.items():
            ratio = seconds / times["reduced"]
            print(f"| {name} | {way} | {1000 * seconds:.0f} | {ratio:.2f} |")
    if len(sys.argv) > 2:
        print("\n| image | found by both | by one | furthest side | mean side |")
        print("|---|---|---|---|---|")
        for (width, height), jpeg in zip(SIZES, jpegs, strict=True):
            print(f"| {width} × {height} | {compare(Path(sys.argv[2]), jpeg)} |")


def enlarge(photo: Image.Image, size: tuple[int, int]) -> bytes:
    """The middle of a photograph as a JPEG of that size."""
    buffer = io.BytesIO()
    ImageOps.fit(photo, size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def ways(spec: InputSpec) -> dict[str, Way]:
    """Ways from a JPEG to pixels of the model's input size."""

    def target(size: decoding.WidthHeight) -> decoding.WidthHeight:
        scaled, _ = input_size(Size(width=size[0], height=size[1]), spec)
        return scaled.width, scaled.height

    def reduced(data: bytes) -> NDArray[np.uint8]:
        pixels, (width, height) = decoding.decode_reduced(data, MAX_PIXELS, target)
        return preprocess(pixels, spec, Size(width=width, height=height)).pixels

    return {
        "reduced": reduced,
        "exact": lambda data: preprocess(decoding.decode(data, MAX_PIXELS), spec).pixels,
        "Pillow": lambda data: (
            preprocess(
                np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")),
                spec,
            ).pixels
        ),
    }


def take_turns(ways: dict[str, Way], jpeg: bytes) -> dict[str, float]:
    """The median seconds of each way."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way(jpeg)
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: median(seconds) for name, seconds in times.items()}


def compare(path: Path, jpeg: bytes) -> str:
    """How detections in a JPEG differ between the ways to decode it, in pixels of the input."""
    bundle = Bundle.open(path)
    with Image.open(io.BytesIO(jpeg)) as image:
        width, height = image.size
    half = Size(width=width // 2, height=height // 2)
    spec = bundle.manifest.input.model_copy(update={"resize": half})
    bundle = Bundle(path, bundle.manifest.model_copy(update={"input": spec}))
    engine = open_engine(bundle, threads=1)
    exact, reduced = (
        look(Detector(bundle, engine, reduced_decoding=reduced), jpeg) for reduced in (False, True)
    )
    distances = [side / 2 for side in sides_apart(reduced, exact)]
    unmatched = len(reduced) + len(exact) - 2 * len(distances)
    furthest, usual = max(distances, default=0), float(np.mean(distances or [0]))
    return f"{len(distances)} | {unmatched} | {furthest:.2f} px | {usual:.2f} px"


def look(detector: Detector, jpeg: bytes) -> Detections:
    [found] = detector.detect_prepared([detector.inputs.prepare(jpeg)])
    return found


def sides_apart(ones: Detections, others: Detections) -> list[float]:
    """The furthest side of each box from that of the other way's which overlaps it most."""
    distances = []
    free = list(range(len(others)))
    for box in ones.boxes:
        overlaps = [iou(box, others.boxes[other]) for other in free]
        if overlaps and max(overlaps) >= SAME_OBJECT:
            other = free.pop(int(np.argmax(overlaps)))
            distances.append(float(np.abs(box - others.boxes[other]).max()))
    return distances


def iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (one, other)]
    return shared / (sum(areas) - shared)


if __name__ == "__main__":
    main()
