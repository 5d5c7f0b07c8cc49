"""What a format of results is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from serving.bundle.schema import Manifest
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.item import Item

Part = tuple[str, str]
"""A file's path and a piece of its text; the pieces of a file follow each other."""
Records = Iterable[ImageRecord]


def _takes_all(item: Item, place: str) -> None:
    """Has nothing to say against any image."""


@dataclass(frozen=True)
class ResultFormat:
    """A format of results.

    Attributes:
        parts: Writes what was found by the model of that manifest.
        main: The file that a reader wants, which may go to standard output; None where there is
            one for each image.
        folder: Where those for each image go.
        refusal: Why an image cannot be in the results, given the place of its files; None if it
            can.
        has_paths: Whether the records are to name images by their absolute paths.
    """

    parts: Callable[[Records, Manifest], Iterator[Part]]
    main: str | None = None
    folder: str | None = None
    refusal: Callable[[Item, str], str | None] = _takes_all
    has_paths: bool = False
