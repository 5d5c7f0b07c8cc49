"""The old name of ``umop predict URL``, which works until 0.3."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from serving.cli.mistakes import one_line


def detect(
    paths: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    url: Annotated[str, typer.Option(envvar="UMOP_URL", help="The service's address.")] = (
        "http://127.0.0.1:8000"
    ),
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("detections"),
    form: Annotated[
        Literal["json", "coco"], typer.Option("--format", help="Format of detections.json.")
    ] = "json",
    draw: Annotated[bool, typer.Option(help="Write the images with boxes on them.")] = True,
    score_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest score to report.")
    ] = None,
    max_detections: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Most detections in one image.")
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Class to report; repeat for several.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Images sent at the same time.")] = 4,
) -> None:
    """Send images to a running service and save the detections: now umop predict URL.

    The API key, where the service needs one, is read from UMOP_KEY.
    """
    from serving.client import Client, ClientError
    from serving.client.folder import SendOptions, find_images, send
    from serving.schemas.options import DetectOptions

    wanted = DetectOptions(
        score_threshold=score_threshold,
        max_detections=max_detections,
        classes=tuple(classes) if classes else None,
    )
    options = SendOptions(wanted, form, draw, jobs)
    key = os.environ.get("UMOP_KEY")
    with one_line(ClientError, OSError), Client(url, key=key) as client:
        images = find_images(paths)
        failures = send(client, images, out, options)
    for failure in failures:
        print(f"umop-serve: {failure}", file=sys.stderr)
    print(f"{len(images) - len(failures)} of {len(images)} images: {out}/detections.json")
    print(
        f"umop-serve: detect will go; it is now: umop predict {url} PATH… --out DIR",
        file=sys.stderr,
    )
    if failures:
        raise typer.Exit(1)
