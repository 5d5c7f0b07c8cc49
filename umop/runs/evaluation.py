"""What an evaluation found, and in what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from umop.system.digest import sha256_of
from umop.system.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class Evaluation:
    """The content of ``evaluation.json``.

    Attributes:
        checkpoint_sha256: Of the checkpoint that was measured.
        annotations_sha256: Of the annotations that it was measured with.
        metrics: The values of :data:`umop.evaluation.METRICS`.
    """

    checkpoint_sha256: str
    annotations_sha256: str
    metrics: dict[str, float]

    @classmethod
    def of(cls, config: Config, checkpoint: Path, metrics: dict[str, float]) -> Evaluation:
        """Records what a checkpoint scored on a config's test data.

        Args:
            config: Names the test data's annotations.
            checkpoint: The file that was measured.
            metrics: The values of :data:`umop.evaluation.METRICS`, by name.
        """
        return cls(sha256_of(checkpoint), sha256_of(_annotations_of(config)), metrics)

    @classmethod
    def read(cls, path: Path) -> Evaluation | None:
        """Reads a record; None where there is none.

        Raises:
            UserError: The file is something else.
        """
        if not path.is_file():
            return None
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is not an evaluation of this version. Delete it.") from error

    def write(self, path: Path) -> None:
        """Writes the record as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def holds_for(self, config: Config, checkpoint: Path) -> bool:
        """Whether it is of this checkpoint, on the config's test data."""
        return self == self.of(config, checkpoint, self.metrics)


def _annotations_of(config: Config) -> Path:
    """The file with the true boxes of a config's test data."""
    dataset = config.test_dataloader.dataset
    return Path(dataset.data_root) / dataset.ann_file
