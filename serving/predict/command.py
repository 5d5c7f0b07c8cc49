"""What ``umop predict`` does."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from serving.predict.films import Films
from serving.predict.formats import RESULT_FORMATS, ResultFormat
from serving.predict.formats.format import Records
from serving.predict.formats.places import Places
from serving.predict.inputs import Inputs, open_inputs
from serving.predict.inputs.errors import PredictError
from serving.predict.journal import Journal
from serving.predict.models import Model
from serving.predict.pipeline import in_order
from serving.predict.progress import Progress
from serving.predict.results import Results
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
        every: Of a video, each N-th frame is looked at.
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
        others: Files from before, of images or boxes that were not found this time.
    """

    images: int = 0
    kept: int = 0
    failures: list[str] = field(default_factory=list)
    written: Path | None = None
    others: list[Path] = field(default_factory=list)


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
    inputs: Inputs

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
            what = f"--{options.made[0]}" if options.made else f"--format {options.format}"
            raise PredictError(f"{what} writes files: name a folder for them with --out")
        return cls(options, format, open_inputs(options.paths, options.every, options.out))

    def run(self, model: Model) -> Summary:
        """Finds objects in all images, and writes them.

        Raises:
            PredictError: There are no images, the folder has other results, or the format cannot
                hold one of the images.
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
            for path, text in self.format.parts(self._named(records), model.manifest):
                if path == self.format.main:
                    sys.stdout.buffer.write(text.encode())
                    sys.stdout.buffer.flush()
        return summary

    def _write(self, model: Model, out: Path) -> Summary:
        summary = Summary(written=out / (self.format.main or ""))
        with Journal(out, model, self.options.detect) as journal:
            results = Results(out, self.options.made, journal)
            with closing(self._outcomes(model, results, summary, is_shown=True)) as outcomes:
                found = results.keep(outcomes)
            results.write(self.format.parts(self._named(found), model.manifest))
        summary.others = results.others(self.format.folder)
        return summary

    def _named(self, records: Records) -> Records:
        """Records with the names that the format wants."""
        if not self.format.has_paths:
            return records
        locate = self.inputs.locate
        return (each.model_copy(update={"name": locate(each.name)}) for each in records)

    def _outcomes(
        self, model: Model, results: Results | None, summary: Summary, *, is_shown: bool
    ) -> Generator[Outcome, None, None]:
        """Works on all images; yields what came of each, and counts it."""
        out = self.options.out
        worker = Worker(model, out, self.options.made)
        films = Films(out or Path())
        tasks = self._tasks(results)
        try:
            with Progress(self.inputs.count, is_shown=is_shown) as progress:
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

    def _tasks(self, results: Results | None) -> Iterator[Task]:
        places = Places()
        for item in self.inputs.items():
            place = places.of(item.name)
            if refusal := self.format.refusal(item, place):
                wanted = f"--format {self.options.format}"
                raise PredictError(f"{wanted} cannot hold {item.name}: {refusal}")
            yield Task(item, place, None if results is None else results.find(item, place))


def _count(summary: Summary, outcome: Outcome) -> None:
    if outcome.failure is not None:
        summary.failures.append(outcome.failure)
        return
    summary.images += 1
    summary.kept += outcome.task.kept is not None
