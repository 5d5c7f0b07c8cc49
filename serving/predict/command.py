"""What ``umop predict`` does."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from serving.predict.films import Films, film_of
from serving.predict.formats import RESULT_FORMATS, ResultFormat
from serving.predict.formats.format import Part
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs import Item, PathInput, open_inputs
from serving.predict.inputs.errors import PredictError
from serving.predict.journal import Journal
from serving.predict.made import drawing_of
from serving.predict.models import Model
from serving.predict.pipeline import in_order
from serving.predict.places import Places
from serving.predict.progress import Progress
from serving.predict.work import Outcome, Task, Worker
from serving.schemas.options import DetectOptions


@dataclass(frozen=True)
class PredictOptions:
    """Options of the command.

    Attributes:
        paths: What objects are looked for in, see ``serving.predict.inputs.open_inputs``.
        out: Folder for the results; None for standard output.
        format: Name of one of ``serving.predict.formats.RESULT_FORMATS``.
        draw: Whether images and videos with boxes are written.
        crop: Whether what is inside of the boxes is written.
        every: Of a video, every how manieth frame is looked at.
        detect: What is reported.
    """

    paths: tuple[str, ...]
    out: Path | None = None
    format: str = "json"
    draw: bool = False
    crop: bool = False
    every: int = 1
    detect: DetectOptions = field(default_factory=DetectOptions)

    @property
    def made(self) -> tuple[str, ...]:
        """What is made of the images' pixels."""
        return tuple(
            name for name, is_wanted in (("draw", self.draw), ("crop", self.crop)) if is_wanted
        )


@dataclass
class Summary:
    """What came of all images.

    Attributes:
        images: How many there were, without those that failed.
        kept: How many of them were done before.
        failures: A line for each that failed.
        written: The file or folder that has the results; None for standard output.
    """

    images: int = 0
    kept: int = 0
    failures: list[str] = field(default_factory=list)
    written: Path | None = None


@dataclass(frozen=True)
class PredictCommand:
    """The command with its options checked.

    Attributes:
        options: The options.
        format: The results'.
        inputs: What objects are looked for in.
    """

    options: PredictOptions
    format: ResultFormat
    inputs: list[PathInput]

    @classmethod
    def of(cls, options: PredictOptions) -> PredictCommand:
        """Checks options, before a model is opened.

        Raises:
            PredictError: They do not fit each other, or there is nothing at a path.
        """
        format = RESULT_FORMATS.get(options.format)
        if format is None:
            raise PredictError(f"--format must be one of {', '.join(RESULT_FORMATS)}")
        if options.out is None and (options.made or format.main is None):
            what = f"--{options.made[0]}" if options.made else f"--format {format.name}"
            raise PredictError(f"{what} writes files: name a folder for them with --out")
        return cls(options, format, open_inputs(options.paths, options.every, options.out))

    def run(self, model: Model) -> Summary:
        """Finds objects in all images, and writes them.

        Raises:
            PredictError: There are no images, or the folder has other results.
            EngineError: The network failed.
            OSError: A file cannot be written.
        """
        if self.options.out is None:
            return self._print(model)
        return self._write(model, self.options.out)

    def _print(self, model: Model) -> Summary:
        summary = Summary()
        is_shown = not sys.stdout.isatty()
        with closing(self._outcomes(model, None, summary, is_shown=is_shown)) as outcomes:
            first = next(outcomes)  # before anything is printed: there may be no image
            found = chain([first], outcomes)
            records = (each.record for each in found if each.record is not None)
            for path, text in self.format.parts(records, model.manifest):
                if path == self.format.main:
                    sys.stdout.buffer.write(text.encode())
                    sys.stdout.buffer.flush()
        return summary

    def _write(self, model: Model, out: Path) -> Summary:
        summary = Summary(written=out / (self.format.main or ""))
        with Journal(out, model, self.options.detect) as journal:
            with closing(self._outcomes(model, journal, summary, is_shown=True)) as outcomes:
                found = _Kept(journal, array("Q", _starts(journal, outcomes)))
            write_parts(out, self.format.parts(found, model.manifest))
        return summary

    def _outcomes(
        self, model: Model, journal: Journal | None, summary: Summary, *, is_shown: bool
    ) -> Generator[Outcome, None, None]:
        """Works on all images; yields what came of each, and counts it."""
        out = self.options.out
        worker = Worker(model, out, self.options.made)
        films = Films(out or Path())
        tasks = self._tasks(journal)
        try:
            with Progress(self._count, is_shown=is_shown) as progress:
                for outcome in in_order(worker.work, tasks, model.threads):
                    films.add(outcome.task.item.clip, outcome.task.place, outcome.drawn)
                    _count(summary, outcome)
                    yield outcome
                    progress.advance(was_there=outcome.task.kept is not None)
            films.finish()
        finally:
            films.abandon()
        if not summary.images and not summary.failures:
            raise PredictError("there is no image in " + ", ".join(self.options.paths))

    def _count(self) -> int:
        return sum(each.count() for each in self.inputs)

    def _tasks(self, journal: Journal | None) -> Iterator[Task]:
        """The images, each once."""
        places = Places()
        seen: set[int] = set()
        for item in self._items():
            if (key := hash(item.name)) in seen:
                continue
            seen.add(key)
            place = places.of(item.name)
            yield Task(item, place, None if journal is None else self._kept(journal, item, place))

    def _items(self) -> Iterator[Item]:
        for each in self.inputs:
            for item in each.items():
                yield replace(item, name=_printable(item.name))

    def _kept(self, journal: Journal, item: Item, place: str) -> int | None:
        """Where an image is in the journal, if it and what is made of it are there."""
        out = self.options.out
        if self.options.draw and out is not None:
            drawing = film_of(out, place) if item.clip else drawing_of(out, place)
            if not drawing.exists():
                return None
        return journal.find(item.name, item.stamp, place, self.options.made)


@dataclass(frozen=True)
class _Kept:
    """Records in a journal, which can be gone over several times."""

    journal: Journal
    starts: array[int]

    def __iter__(self) -> Iterator[ImageRecord]:
        return self.journal.records(self.starts)


def _starts(journal: Journal, outcomes: Iterable[Outcome]) -> Iterator[int]:
    """Writes what was found; yields where it is, and where what was kept is."""
    for outcome in outcomes:
        if outcome.record is not None:
            yield journal.add(outcome.record)
        elif outcome.task.kept is not None:
            yield outcome.task.kept


def write_parts(folder: Path, parts: Iterable[Part]) -> None:
    """Writes files, each whole or not at all.

    Args:
        folder: Where.
        parts: Their paths inside and their texts, those of a file behind each other.

    Raises:
        OSError: A file cannot be written.
    """
    for name, pieces in groupby(parts, itemgetter(0)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(text for _, text in pieces)
        part.replace(path)


def _count(summary: Summary, outcome: Outcome) -> None:
    if outcome.failure is not None:
        summary.failures.append(outcome.failure)
        return
    summary.images += 1
    summary.kept += outcome.task.kept is not None


def _printable(name: str) -> str:
    """A file's name as text, where its bytes are none."""
    return name.encode("utf-8", "backslashreplace").decode()
