"""The images of a YOLO data set: those of its description, or else of its folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from umop.data.dataset import SPLITS, Builder, Image
from umop.data.files.found import found_by_name
from umop.data.files.names import (
    base,
    contradict,
    essence,
    folder,
    stem,
)
from umop.data.files.reading import read_text
from umop.data.files.tree import Files
from umop.data.layouts.yolo.description import Description

_BACKGROUND = {"background", "backgrounds", "bg", "negative", "negatives", "neg", "empty"}
_Kind = tuple[tuple[str, ...], str | None]
"""What tells an image's folder from others, and its split."""


class Listing:
    """What lists the images.

    Args:
        files: The files of the data set.
        description: What describes it.
        builder: Takes what is wrong with the lists.
    """

    def __init__(self, files: Files, description: Description, builder: Builder) -> None:
        self._files = files
        self._description = description
        self._builder = builder

    def images(self) -> Iterator[tuple[Path, str | None]]:
        """The images, each with its split; one that is listed twice only once."""
        seen: dict[tuple[Path, str | None], str] = {}
        for path, split, place in self._listed_images():
            if (before := seen.get((path, split))) is not None:
                also = "twice" if place == before else f"in {before} and in {place}"
                self._note("listed-twice", f"{self._files.name(path)} is listed {also}")
                continue
            seen[path, split] = place
            yield path, split

    def _listed_images(self) -> Iterator[tuple[Path, str | None, str]]:
        """The images of every folder and list, each with its split and what lists it."""
        described = {split: self._description.content.get(split) for split in SPLITS}
        if not any(described.values()):
            for path in _without_copies(self._files):
                yield path, self._files.split_of(path), ""
            return
        for split, places in described.items():
            for place in places if isinstance(places, list) else [places] if places else []:
                if split == "test" and self._description.place(str(place)) is None:
                    continue  # exporters name one whether it exists or not
                for path in self._images_of(str(place), split):
                    yield path, split, str(place)

    def _images_of(self, place: str, split: str) -> Iterable[Path]:
        """The images of a folder or of a list, as the description writes its name."""
        found = self._description.place(place)
        if found is None:
            instead = ". Without the line, a fifth of train is taken" if split == "val" else ""
            self._note("annotations-unreadable", f"{place} is not there{instead}")
            return []
        if found.is_dir():
            inside = self._files.images(found) or Files(found).images()
            if not inside and split != "test":
                self._note("list-unused", f"{place} holds no images")
            return inside
        return self._listed(found, split)

    def _listed(self, path: Path, split: str) -> list[Path]:
        """The images that the lines of a list name."""
        files = self._files
        lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
        paths = [files.image(line, ("", "images")) or files.root / line for line in lines]
        missing = [Image(each, path, split) for each in paths if not files.has(each)]
        found = found_by_name(files, missing, paths)
        images = [found.get(each, each) for each in paths]
        if split == "test" and images and not any(map(files.has, images)):
            self._note("list-unused", f"{files.name(path)} lists images of which none is there")
            return []
        return images

    def _note(self, rule: str, text: str) -> None:
        self._builder.issue(rule, self._description.path or self._files.root, text)


def _without_copies(files: Files) -> list[Path]:
    """The images but for folders of copies and masks of labelled ones, which would be background.

    All their images have the name of a labelled one, none has a label, and neither a name of the
    folders, such as ``background``, nor a split says that they are others.
    """
    labelled = files.pairs(".txt").of_image
    known: dict[str, set[_Kind]] = defaultdict(set)
    for name in labelled:
        known[stem(base(name))].add(_kind(name, files))
    folders: dict[str, list[str]] = defaultdict(list)
    for path in files.images():
        folders[folder(files.name(path))].append(files.name(path))
    kept = [
        names
        for names in folders.values()
        if any(name in labelled for name in names)
        or not _BACKGROUND.isdisjoint(folder(names[0]).casefold().split("/"))
        or not all(_has_twin(_kind(name, files), known.get(stem(base(name)), ())) for name in names)
    ]
    return [files.path(name) for name in sorted(name for names in kept for name in names)]


def _kind(name: str, files: Files) -> _Kind:
    here = folder(name)
    parts = here.split("/")
    around = ("/".join(parts[: number + 1]) for number in range(len(parts)))
    is_split = [files.splits.said_by(each) is not None for each in around]
    own = (part for part, is_one in zip(parts, is_split, strict=True) if not is_one)
    return essence(own), files.splits.of(here)


def _has_twin(kind: _Kind, labelled: Iterable[_Kind]) -> bool:
    """Whether an image may be one of the labelled images of its name."""
    own, split = kind
    return any(
        split in (None, other_split) and not contradict(own, other)
        for other, other_split in labelled
    )
