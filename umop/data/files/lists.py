"""Lists of images that people write beside their data: ``train.txt`` and ``val.txt``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from umop.data.dataset import DataSet, Image, Issue
from umop.data.files.names import base, split_in, stem
from umop.data.files.reading import head, read_text
from umop.data.files.tree import Files
from umop.system.console import counted

_DESCRIPTIONS = (".yaml", ".yml", ".data")
_LOOKED_AT = 20
_OF_TWO = "trainval"


def with_listed_splits(data: DataSet, files: Files) -> DataSet:
    """The data set with the splits that lists of images name, where nothing else names one.

    Images that no list names are then left out.
    """
    lists = dict(_lists(files))
    splits = set(lists.values())
    if not lists:
        return data
    if data.splits():
        named = described(files)
        others = [
            path
            for path, split in lists.items()
            if path.name not in named and _differs(data, files, path, split)
        ]
        return _unused(data, files, others, "the data's description or folders say another split")
    if "train" not in splits or len(splits) == 1:
        return _unused(data, files, lists, "the images of another split are not listed")
    return _split(data, files, lists)


def _unused(data: DataSet, files: Files, lists: Iterable[Path], reason: str) -> DataSet:
    """The data set with a note that lists are not used."""
    names = ", ".join(files.name(path) for path in lists)
    issue = Issue("list-unused", f"{names}: not used, since {reason}")
    return replace(data, issues=(*data.issues, issue)) if names else data


def _differs(data: DataSet, files: Files, path: Path, split: str) -> bool:
    """Whether images of a list have another split; one for testing may be for validation."""
    listed = {_image_of(line, path, files) for line in _lines(read_text(path))[:_LOOKED_AT]}
    found = {image.split for image in data.images if image.path in listed}
    return not found <= ({split} if split == "train" else {"val", "test"})


def described(files: Files) -> str:
    """The text of YOLO's and darknet's descriptions, which name lists that they use."""
    return "\n".join(map(read_text, files.matching(*_DESCRIPTIONS)))


def _lists(files: Files) -> Iterator[tuple[Path, str]]:
    """The lists, each with its split; not the list of train and val together beside both."""
    labels = files.pairs(".txt").of_annotation
    others = (path for path in files.matching(".txt") if files.name(path) not in labels)
    named = [(path, split) for path in others if (split := split_in(path.stem))]
    found = [(path, split) for path, split in named if is_list(path, files)]
    has_train = any(split == "train" and not path.stem.endswith(_OF_TWO) for path, split in found)
    yield from (each for each in found if not (has_train and each[0].stem.endswith(_OF_TWO)))


def is_list(path: Path, files: Files) -> bool:
    """Whether most of the first lines of a file name an image."""
    lines = _lines(head(path))[:_LOOKED_AT]
    return sum(_image_of(line, path, files) is not None for line in lines) * 2 > len(lines)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _image_of(line: str, path: Path, files: Files) -> Path | None:
    """The image that a line names, alone or before its annotation."""
    folders = (files.folder_of(path), "", "images", "JPEGImages")
    names = tuple(dict.fromkeys((line, line.split()[0])))
    if found := next(filter(None, (files.image(name, folders) for name in names)), None):
        return found
    lasts = (base(name.replace("\\", "/")) for name in names)
    named = (files.by_stem.get(last) or files.by_stem.get(stem(last)) or () for last in lasts)
    return next((files.path(each[0]) for each in named if len(each) == 1), None)


def _split(data: DataSet, files: Files, lists: dict[Path, str]) -> DataSet:
    """Gives images the splits of lists; what is in two lists is not trained on."""
    splits: dict[Path, tuple[str, Path]] = {}
    issues: list[Issue] = []
    missing: list[Image] = []
    for path, split in sorted(lists.items(), key=lambda each: each[1] == "train"):
        for line in _lines(read_text(path)):
            image = _image_of(line, path, files)
            if image is None:
                missing.append(Image(files.root / line, path, split, written=line))
            elif (before := splits.setdefault(image, (split, path)))[0] != split:
                text = f"{files.name(image)} is in {files.name(before[1])} and {files.name(path)}"
                issues.append(Issue("listed-twice", text, image))
    rows = np.array([image.path in splits for image in data.images], np.bool_)
    if not rows.any():
        return _unused(data, files, lists, "no annotated image is listed")
    if all(split != "train" for split, _ in splits.values()):
        return _unused(data, files, lists, "all images of train are in another list too")
    left = np.flatnonzero(~rows & (data.boxes_per_image() > 0))
    if len(left):
        text = f"{counted(len(left), 'image')}, such as {data.name(data.images[left[0]].path)}"
        issues.append(Issue("images-in-no-list", text))
    kept = data.with_images(rows)
    images = [replace(image, split=splits[image.path][0]) for image in kept.images]
    return replace(kept, images=(*images, *missing), issues=(*data.issues, *issues))
