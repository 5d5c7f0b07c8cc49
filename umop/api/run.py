"""A run, as Python programs use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from serving.shared import Precision
from umop.api.arguments import paths, require_given, require_kinds, require_share
from umop.runs.evaluation import Evaluation
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.system.errors import UserError

if TYPE_CHECKING:
    from typing_extensions import Self

    from serving.shared import AnyPath
    from umop.evaluation.compare import Comparison


class Run(RunFolder):
    """A trained model: the folder ``runs/<name>/`` and what can be done with it.

    Args:
        folder: The folder; ``Run.named`` finds it by the run's name.
    """

    def __init__(self, folder: AnyPath) -> None:
        require_given(folder=folder)
        super().__init__(Path(folder))

    @classmethod
    def named(cls, name: str) -> Self:
        """The run of that name in ``runs/``, or in the folder at that path.

        Raises:
            UserError: There is no folder at that path, or it is not a valid name for a run.
        """
        require_given(name=name)
        return super().named(name)

    @property
    def metrics(self) -> dict[str, float]:
        """COCO's twelve numbers of the best checkpoint, such as ``AP50``, from 0 to 1.

        They are of the last evaluation on the run's own data, in training or by ``evaluate``.

        Raises:
            UserError: There was none yet, or the run has no checkpoint.
        """
        record = Evaluation.read(self.evaluation)
        if record is None:
            self.require_checkpoint()
            raise UserError(f"{self.folder} has not been evaluated. Evaluate it: run.evaluate()")
        return record.metrics

    def evaluate(
        self,
        data: AnyPath | None = None,
        tta: bool = False,
        precision: float | None = None,
    ) -> Evaluation:
        """Measures the best checkpoint, and keeps the result in the run's folder.

        Args:
            data: Folder or zip of the data set, in place of the run's own.
            tta: Test-time augmentation: several sizes, and flipped.
            precision: Choose the lowest thresholds that reach it, from 0 to 1; by default those
                with the best F1.

        Returns:
            What was measured; its ``metrics`` are COCO's twelve numbers, its ``thresholds`` the
            scores from which an exported bundle reports detections.

        Raises:
            UserError: The run has no checkpoint, the data is missing, or no threshold reaches the
                precision.
        """
        require_kinds(data=data, tta=tta)
        require_share(precision=precision)
        with quietly():
            from umop.evaluation.evaluate import evaluate
            from umop.report import write_report

            record = evaluate(self, None if data is None else Path(data), tta, precision)
            if data is None:
                write_report(self)
        return record

    def compare(self, other: Run, data: AnyPath | None = None) -> Comparison:
        """Says whether another run may take this one's place, as ``umop compare`` does.

        Args:
            other: The run that might.
            data: Folder or zip of the data set to compare on, in place of the runs' own.

        Returns:
            What both find in the same images: ``mean`` and ``classes`` with the 95 % interval of
            each difference; ``mean.is_worse`` and ``worse()`` for a gate.

        Raises:
            UserError: The runs are one, or were evaluated on different data; one has no
                checkpoint, or the data is missing.
        """
        require_given(other=other)
        require_kinds(data=data)
        with quietly():
            from umop.evaluation.gate import compare

            return compare(self, other, None if data is None else Path(data))

    def export(
        self,
        version: str | None = None,
        precision: Precision = "fp32",
        sample: Sequence[AnyPath] = (),
        force: bool = False,
    ) -> Path:
        """Writes the bundle that is served, and checks that it finds what the checkpoint finds.

        Args:
            version: Version that the served model gets; by default 1.0.
            precision: The network's arithmetic.
            sample: Images that the service's web page offers to try, stored in the bundle.
            force: Export again even if nothing changed.

        Returns:
            The bundle.

        Raises:
            UserError: There is no checkpoint, no test data, or the bundle finds something else.
        """
        require_kinds(version=version, precision=precision, sample=sample, force=force)
        images = paths(sample=sample or None)
        with quietly():
            from umop.export import export_if_changed

            export_if_changed(self, version, precision, images, force)
        return self.bundle
