"""Writes a data set in another format; the original is only read."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from umop.data.check import Report, check
from umop.data.conversion.predictions import Predictions
from umop.data.dataset import DataSet
from umop.data.files.reading import require_utf8
from umop.data.formats import EXPORT_FORMATS, Format, Labelled
from umop.data.preparation.split import with_splits
from umop.data.recognition import open_data
from umop.system.console import counted, note
from umop.system.errors import UserError

_FIXES = "fixes.txt"


def convert(
    source: Path, target: Path, to: str = "coco", predictions: Predictions | None = None
) -> DataSet:
    """Writes a data set of any layout in one of :data:`umop.data.formats.EXPORT_FORMATS`.

    Args:
        source: The data set, a folder or a zip.
        target: A new folder.
        to: The name of the format.
        predictions: Boxes that a model has found, to write in place of the data's own.

    Raises:
        UserError: There is no such format, the data has errors, or the folder is not empty.
    """
    format = format_named(to)
    require_new(target)
    report = check(open_data(source))
    if errors := report.of("error"):
        raise UserError(
            f"{source} has {counted(len(errors), 'error')}, such as {errors[0].text}. See all: "
            f"umop data check {source}. To write what can be repaired: umop data check {source} "
            f"--fix {target}"
        )
    return _write(report, target, format, predictions)


def format_named(name: str) -> Format:
    """The format that has a name.

    Raises:
        UserError: None has it.
    """
    if name not in EXPORT_FORMATS:
        raise UserError(f"--to must be one of {', '.join(EXPORT_FORMATS)}, not {name}.")
    return EXPORT_FORMATS[name]


def write_fixed(report: Report, target: Path) -> Path:
    """Writes a cleaned copy, and the list of what was done.

    Raises:
        UserError: Nothing is left, or the folder is not empty.

    Returns:
        The list.
    """
    require_new(target)
    if not len(report.cleaned.boxes):
        raise UserError(f"{report.data.root} has no box that could be kept; nothing was written.")
    _write(report, target, EXPORT_FORMATS["coco"], None)
    lines = [
        f"{each.rule}: {each.text}: {each.repaired or 'left as it is'}\n"
        for each in report.findings
        if each.severity != "note"
    ]
    (target / _FIXES).write_text("".join(lines))
    return target / _FIXES


def require_new(target: Path) -> None:
    """Checks that a folder is not there, or empty.

    Raises:
        UserError: It holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target} is there already. Name a new folder.")


def _write(
    report: Report, target: Path, format: Format, predictions: Predictions | None
) -> DataSet:
    """Copies the images and writes the annotations of what a check has left."""
    data = with_splits(report.cleaned, report.records)
    names = _file_names(data)
    return write_data_set(
        predictions.of(data, names) if predictions else Labelled(data, names), target, format
    )


def write_data_set(labelled: Labelled, target: Path, format: Format) -> DataSet:
    """Copies a data set's images and writes its annotations.

    Args:
        labelled: The data set.
        target: A folder that is not there, or empty.
        format: One of :data:`umop.data.formats.EXPORT_FORMATS`.

    Raises:
        UserError: The folder cannot be written, or a name cannot be in its annotations.

    Returns:
        The data set, as it is now.
    """
    require_utf8(labelled.names)
    try:
        _copy(labelled.data, target, format, labelled.names)
        format.write(target, labelled)
    except OSError as error:
        name = error.filename or target
        raise UserError(f"{name} cannot be written: {error.strerror}.") from error
    if not format.keeps_crowds and (crowds := int(labelled.data.boxes.crowd.sum())):
        note(f"{format.title} knows no crowds: {counted(crowds, 'box')} left out.")
    return replace(labelled.data, root=target, layout=format.title)


def _copy(data: DataSet, target: Path, format: Format, names: Sequence[str]) -> None:
    """Copies the images to where the format has them."""
    target.mkdir(parents=True, exist_ok=True)
    copies = list(zip(names, data.images, strict=True))
    for name, image in track(copies, "copying", console=Console(stderr=True)):
        copy = target / format.folder.format(split=image.split) / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image.path, copy)


def _file_names(data: DataSet) -> tuple[str, ...]:
    """A name for each image: that of its file, with its folders where another has the same stem."""
    count = Counter(image.path.stem.casefold() for image in data.images)
    wanted = [
        image.path.name
        if count[image.path.stem.casefold()] == 1
        else data.name(image.path).strip("/").replace("/", "_")
        for image in data.images
    ]
    count = Counter(Path(name).stem.casefold() for name in wanted)
    return tuple(
        name if count[Path(name).stem.casefold()] == 1 else _with_suffix_in_stem(Path(name))
        for name in wanted
    )


def _with_suffix_in_stem(name: Path) -> str:
    """``a_png.png``, which ``a.jpg`` does not share its labels with."""
    return f"{name.stem}_{name.suffix.lstrip('.').casefold()}{name.suffix}"
