"""Which of several files describes a YOLO data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import SPLITS, Builder
from umop.data.files.tree import Files
from umop.data.layouts.yolo.description import Description

_USUAL = ("data.yaml", "data.yml")


def chosen(paths: Sequence[Path], files: Files, builder: Builder) -> Description:
    """The description that is read: one whose images are here, or else the one of the usual name.

    Args:
        paths: All descriptions.
        files: The files of the data set.
        builder: Takes what is wrong with the others.
    """
    described = sorted((Description(path, files) for path in paths), key=_rank)
    if not described:
        return Description(None, files)
    first, *others = described
    for other in others:
        if other.path is None or other.content == first.content:
            continue
        name = files.name(first.path or files.root)
        if _rank(other) == _rank(first) and _contradict(first, other):
            text = f"it names other classes than {name} for the same images: keep one of them"
            builder.issue("annotations-unreadable", other.path, text)
        else:
            text = f"not used, since {name} describes the data"
            builder.issue("list-unused", other.path, text)
    return first


def _rank(description: Description) -> tuple[int, bool]:
    """Smaller for what is rather meant: it finds more splits, and has the usual name."""
    found = [any(map(description.place, _written(description, each))) for each in ("train", "val")]
    is_usual = description.path is not None and description.path.name.casefold() in _USUAL
    return -sum(found), not is_usual


def _written(description: Description, split: str) -> list[str]:
    """The names of a split's folders and lists."""
    written = description.content.get(split) or []
    return [str(name) for name in (written if isinstance(written, list) else [written])]


def _places(description: Description) -> list[list[Path | None]]:
    """The folders and lists of the splits, None for one that is not there."""
    return [[description.place(name) for name in _written(description, each)] for each in SPLITS]


def _contradict(one: Description, other: Description) -> bool:
    """Whether two descriptions of the same images name other classes."""
    places = _places(one)
    finds_any = any(place for found in places for place in found)
    return finds_any and places == _places(other) and _names(one) != _names(other)


def _names(description: Description) -> Any:
    """The classes by their numbers, whichever way they are written."""
    names = description.content.get("names")
    return dict(enumerate(names)) if isinstance(names, list) else names
