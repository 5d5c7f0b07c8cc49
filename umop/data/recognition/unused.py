"""Names the files that look like annotations or lists, and that nothing here reads."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from umop.data.dataset import Issue
from umop.data.files.archive import ARCHIVE_SUFFIXES
from umop.data.files.lists import described, is_list
from umop.data.files.names import base, is_image, split_in
from umop.data.files.reading import head
from umop.data.files.tree import Files
from umop.data.layouts.coco import BESIDE
from umop.data.layouts.rows import first_rows
from umop.data.recognition.others import (
    SUFFIXES_OF_OTHERS,
    TRACKED,
    format_of_content,
    format_of_suffix,
    is_tracked,
)

_JSON = (".json", ".jsonl", ".geojson")
_TABLES = (".csv", ".tsv")
_CLOSED = tuple(each for each in SUFFIXES_OF_OTHERS if each not in _JSON)
"""Files that hold annotations or nothing; weights and videos may lie beside any data."""
_BOX = re.compile(
    r"(?i)bbox|bndbox|bounding.?box|\bboxes\b|polygon|segmentation|x_?min|predictionstring"
)
_VOC_LISTS = "ImageSets"
_LOOKED_AT = 20
_SHOWN = 3
_NAMES = "names images"
_BOXES = "has boxes"


def unused_files(files: Files, used: Collection[Path]) -> Iterator[Issue]:
    """A finding for each kind of file in a folder that says something and is not read.

    Args:
        files: The files of the data set.
        used: Those by which layouts were recognised, and the annotation of each image.
    """
    has_cocos_own = any(path.name.startswith("instances_") for path in used)
    groups: dict[tuple[str, str, str], list[Path]] = defaultdict(list)
    for path, said in _telling(files, used):
        is_beside = has_cocos_own and path.name.startswith(BESIDE)
        rule = "companion-unused" if is_beside else "file-unused"
        groups[rule, files.folder_of(path), said].append(path)
    for (rule, _, said), paths in groups.items():
        names = ", ".join(files.name(path) for path in paths[:_SHOWN])
        more = len(paths) - _SHOWN
        yield Issue(rule, f"{names}{f' and {more} more' if more > 0 else ''}: {said}")


def _telling(files: Files, used: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """The files that are not used and hold annotations or names of images, and what they are."""
    kinds = (
        (_JSON, _of_json),
        (_TABLES, _of_table),
        ((".xml",), _of_xml),
        (_CLOSED, lambda path, _: format_of_suffix(path)),
        (ARCHIVE_SUFFIXES, lambda *_: "an archive, which is not opened: unpack it"),
    )
    for suffixes, say in kinds:
        for path in files.matching(*suffixes):
            if path not in used and (said := say(path, files)):
                yield path, said
    yield from _of_text(files, used)


def _of_json(path: Path, files: Files) -> str | None:
    keys, texts = set[str](), set[str]()
    _collect(files.outline(path), keys, texts)
    return format_of_content(path, files) or _of_words(keys, texts, files)


def _of_table(path: Path, files: Files) -> str | None:
    header, *others = list(islice(filter(any, first_rows(path)), _LOOKED_AT)) or [[]]
    return _of_words(header, (cell for row in others for cell in row), files)


def _of_xml(path: Path, files: Files) -> str | None:
    return format_of_content(path, files) or (_BOXES if _BOX.search(head(path)) else None)


def _of_words(keys: Iterable[str], texts: Iterable[str], files: Files) -> str | None:
    """Whether a file has boxes, by the names of its values, or names an image of the data."""
    if any(map(_BOX.search, keys)):
        return _BOXES
    known = {text for text in texts if base(text.replace("\\", "/")) in files.by_stem}
    stems = [text for text in known if not (is_image(text) or text.isdecimal())]
    return _NAMES if any(map(is_image, known)) or len(stems) > 1 else None


def _collect(content: Any, keys: set[str], texts: set[str]) -> None:
    """Collects the keys and the texts of an outline."""
    if isinstance(content, dict):
        keys.update(content)
        texts.update(content)
    elif isinstance(content, str):
        texts.add(content)
    for each in _values(content):
        _collect(each, keys, texts)


def _values(content: Any) -> Iterable[Any]:
    if isinstance(content, dict):
        return content.values()
    return content if isinstance(content, list) else ()


def _of_text(files: Files, used: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """Tracks, and lists of images that are no split's and that no description names."""
    named = described(files)
    labels = files.pairs(".txt").of_annotation
    for path in files.matching(".txt"):
        if files.name(path) in labels or path in used or _VOC_LISTS in path.parts:
            continue
        if is_tracked(path):
            yield path, TRACKED
        elif head(path, 1) in ("[", "{") and (said := _of_json(path, files)):
            yield path, said
        elif not split_in(path.stem) and path.name not in named and is_list(path, files):
            yield path, _NAMES
