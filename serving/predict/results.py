"""The folder that results go to: what is there, what is written, and what is left from before."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from serving.predict.films import film_of
from serving.predict.formats.format import Part
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs import Item
from serving.predict.journal import Journal
from serving.predict.made import FOLDERS, crops_of, drawing_of
from serving.predict.work import Outcome
from serving.predict.writing import write_whole

_SUFFIXES = {".jpg", ".mp4", ".txt", ".xml"}
"""Of files that are made of images; training tools put others beside them."""


class Results:
    """The results in a folder.

    Args:
        folder: The folder.
        made: What is made of the images' pixels: ``draw``, ``crop``.
        journal: What was found so far.
    """

    def __init__(self, folder: Path, made: tuple[str, ...], journal: Journal) -> None:
        self._folder = folder
        self._made = made
        self._journal = journal
        self._written: set[int] = set()

    def find(self, item: Item, place: str) -> int | None:
        """Where an image is in the journal, if it and all files that are made of it are there."""
        start = self._journal.find(item.name, item.stamp, place, self._made)
        if start is None or not self._made:
            return start
        [record] = self._journal.records([start])
        paths = list(self._files(item, record))
        if not all(path.exists() for path in paths):
            return None
        self._note(paths)
        return start

    def keep(self, outcomes: Iterable[Outcome]) -> _Kept:
        """Writes what was found to the journal; returns it with what was there."""
        return _Kept(self._journal, array("Q", self._starts(outcomes)))

    def write(self, parts: Iterable[Part]) -> None:
        """Writes files, each whole or not at all.

        Args:
            parts: Their paths inside and their texts, those of a file behind each other.

        Raises:
            OSError: A file cannot be written.
        """
        for name, pieces in groupby(parts, itemgetter(0)):
            path = self._folder / name
            write_whole(path, (text.encode() for _, text in pieces))
            self._note([path])

    def others(self, inside: str | None) -> list[Path]:
        """Files from before, of images or boxes that were not found this time.

        Args:
            inside: A folder with a file for each image; None if the results' format has none.
        """
        folders = filter(None, (*(FOLDERS[each] for each in self._made), inside))
        paths = (path for each in folders for path in _files_in(self._folder / each))
        return [path for path in paths if _key(path) not in self._written]

    def _starts(self, outcomes: Iterable[Outcome]) -> Iterator[int]:
        for outcome in outcomes:
            if outcome.record is not None:
                self._note(self._files(outcome.task.item, outcome.record))
                yield self._journal.add(outcome.record)
            elif outcome.task.kept is not None:
                yield outcome.task.kept

    def _files(self, item: Item, record: ImageRecord) -> Iterator[Path]:
        """The files that are made of an image's pixels."""
        if "draw" in self._made:
            yield (film_of if item.clip else drawing_of)(self._folder, record.place)
        if "crop" in self._made:
            yield from crops_of(self._folder, record)

    def _note(self, paths: Iterable[Path]) -> None:
        self._written.update(_key(path) for path in paths)


@dataclass(frozen=True)
class _Kept:
    """Records in a journal, which can be gone over several times."""

    journal: Journal
    starts: array[int]

    def __iter__(self) -> Iterator[ImageRecord]:
        return self.journal.records(self.starts)


def _files_in(folder: Path) -> Iterator[Path]:
    for inside, _, names in os.walk(folder):
        paths = (Path(inside, name) for name in names)
        yield from (path for path in paths if path.suffix in _SUFFIXES)


def _key(path: Path) -> int:
    """8 bytes for each of millions."""
    return hash(str(path))
