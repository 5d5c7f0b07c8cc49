"""The command that finds objects in images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.shared import RESULT_FORMAT_NAMES, EngineName
from umop.runs.folder import ROOT, RunFolder
from umop.system.console import counted, note
from umop.system.errors import UserError
from umop.system.exit_codes import FAILURE

if TYPE_CHECKING:
    from serving.shared import Summary

_OPTIONS: dict[int | str, str] = {
    "score_threshold": "--score",
    "max_detections": "--max-detections",
    "classes": "--class",
    "tiles": "--tiles",
}
"""The option of each of ``DetectOptions``."""


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLE|RUN",
            help="A bundle or its address, such as s3://… or models:/NAME@ALIAS; a run's name or "
            "folder; or the address of a running umop-serve.",
        ),
    ],
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images, folders, patterns, zips, videos, addresses; - for standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results; the same command goes on there. "
            "[default: standard output]",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(RESULT_FORMAT_NAMES)}.")
    ] = "json",
    draw: Annotated[bool, typer.Option("--draw", help="Write images with boxes.")] = False,
    crop: Annotated[
        bool, typer.Option("--crop", help="Write what is inside of each box, by class.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Of a video, look at each N-th frame.")] = 1,
    score: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Lowest score. [default: the bundle's]", show_default=False
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="Class to report. Repeatable.", show_default=False),
    ] = None,
    max_detections: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Most detections in an image. [default: the bundle's]",
            show_default=False,
        ),
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            help="Look at large images in windows: auto, off, or their side in pixels. "
            "[default: as the bundle says]",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="What runs the network.")] = "onnxruntime",
    verify_key: Annotated[
        Path | None,
        typer.Option(
            envvar="UMOP_VERIFY_KEY",
            help="Public key (PEM) that the bundle must be signed with.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Find objects in images and videos, and write them in a format of your choice."""
    from pydantic import ValidationError

    from serving.shared import (
        DetectOptions,
        ModelOptions,
        PredictCommand,
        PredictError,
        PredictOptions,
        open_model,
    )

    asked = {
        "score_threshold": score,
        "max_detections": max_detections,
        "classes": tuple(classes) if classes else None,
        "tiles": tiles,
    }
    try:
        detect = DetectOptions.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
        raise UserError(f"{_OPTIONS[first['loc'][0]]} {reason}.") from error
    options = PredictOptions(tuple(paths), out, form, draw, crop, every, detect)
    try:
        command = PredictCommand.of(options)
        with open_model(_model(model), detect, ModelOptions(engine, verify_key)) as opened:
            summary = command.run(opened)
    except PredictError as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        note("Stopped." if out is None else f"Stopped; the same command goes on in {out}.")
        raise
    _print(summary)


def _model(name: str) -> str:
    """The path of a bundle or of a run's folder, or an address."""
    if "/" not in name and ((ROOT / name).is_dir() or not Path(name).exists()):
        return str(RunFolder.named(name).folder)
    return name


def _print(summary: Summary) -> None:
    """Says what came of it on standard error; standard output is for results."""
    for failure in summary.failures:
        note(failure)
    if summary.written is not None:
        before = f" ({summary.kept} of them before)" if summary.kept else ""
        total = summary.images + len(summary.failures)
        note(f"{summary.images} of {counted(total, 'image')}{before}: {summary.written}")
    if summary.others:
        note(
            f"{counted(len(summary.others), 'file')} of images or boxes that were not found this "
            f"time: {summary.others[0]}{', …' if len(summary.others) > 1 else ''}"
        )
    if summary.failures:
        raise typer.Exit(FAILURE)
