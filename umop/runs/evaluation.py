"""What an evaluation found, and in what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving.shared import sha256_of
from umop.system.dataset_paths import annotation_file
from umop.system.errors import UserError
from umop.system.files import replace_text

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class Thresholds:
    """The lowest scores to report, as chosen on the test data.

    Attributes:
        score: Of all classes together, from 0 to 1.
        classes: By name, of the classes that have boxes enough to tell.
        precision: What they were chosen to reach; None for the best F1.
    """

    score: float
    classes: dict[str, float]
    precision: float | None = None

    def of(self, name: str) -> float:
        """That of a class."""
        return self.classes.get(name, self.score)


@dataclass(frozen=True)
class Evaluation:
    """The content of ``evaluation.json``.

    Attributes:
        checkpoint_sha256: Of the checkpoint that was measured.
        annotations_sha256: Of the annotations that it was measured with.
        metrics: The values of :data:`umop.evaluation.METRICS`.
        thresholds: None where nothing was found, or an older version measured.
    """

    checkpoint_sha256: str
    annotations_sha256: str
    metrics: dict[str, float]
    thresholds: Thresholds | None = None

    @classmethod
    def of(
        cls,
        config: Config,
        checkpoint: Path,
        metrics: dict[str, float],
        thresholds: Thresholds | None = None,
    ) -> Evaluation:
        """Records what a checkpoint scored on a config's test data.

        Args:
            config: Names the test data's annotations.
            checkpoint: The file that was measured.
            metrics: The values of :data:`umop.evaluation.METRICS`, by name.
            thresholds: The scores that were chosen.
        """
        digests = sha256_of(checkpoint), sha256_of(annotations_of(config))
        return cls(*digests, metrics, thresholds)

    @classmethod
    def read(cls, path: Path) -> Evaluation | None:
        """Reads a record; None where there is none.

        Raises:
            UserError: The file is something else.
        """
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text())
            if content.get("thresholds"):
                content["thresholds"] = Thresholds(**content["thresholds"])
            return cls(**content)
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(f"{path} is not an evaluation of this version. Delete it.") from error

    def write(self, path: Path) -> None:
        """Writes the record as JSON."""
        replace_text(path, json.dumps(asdict(self), indent=2) + "\n")

    def holds_for(self, config: Config, checkpoint: Path) -> bool:
        """Whether it is of this checkpoint, on the config's test data."""
        return self == self.of(config, checkpoint, self.metrics, self.thresholds)


def annotations_of(config: Config) -> Path:
    """The file with the true boxes of a config's test data."""
    return annotation_file(config.test_dataloader.dataset)


def format_metric(value: float) -> str:
    """A metric from 0 to 1 as it is shown; −1 says that there is nothing to measure."""
    return f"{value:.3f}" if value >= 0 else "no boxes"
