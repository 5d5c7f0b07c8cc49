"""What a format of results is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from serving.bundle.schema import Manifest
from serving.predict.formats.records import ImageRecord

Part = tuple[str, str]
"""A file's path and a piece of its text; the pieces of a file follow each other."""
Records = Iterable[ImageRecord]


@dataclass(frozen=True)
class ResultFormat:
    """A format of results.

    Attributes:
        name: As it is typed.
        parts: Writes what was found by the model of that manifest.
        main: The file that a reader wants, which may go to standard output; None where there is
            one for each image.
    """

    name: str
    parts: Callable[[Records, Manifest], Iterator[Part]]
    main: str | None = None
