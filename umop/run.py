"""The folder that keeps everything about one training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from umop.errors import UserError

ROOT = Path("runs")


@dataclass(frozen=True)
class Run:
    """``runs/<name>/``.

    Attributes:
        folder: Holds the config, provenance, metrics, checkpoints, evaluation and bundle.
    """

    folder: Path

    @classmethod
    def named(cls, name: str) -> Run:
        """The run of that name in ``runs/``; a path is taken as it is."""
        return cls(Path(name) if "/" in name else ROOT / name)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def config(self) -> Path:
        return self.folder / "config.py"

    @property
    def provenance(self) -> Path:
        return self.folder / "provenance.json"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def evaluation(self) -> Path:
        return self.folder / "evaluation.json"

    @property
    def evaluation_tta(self) -> Path:
        return self.folder / "evaluation-tta.json"

    def evaluation_of(self, data: Path) -> Path:
        """The folder that keeps what is measured on other data than the run's own."""
        return self.folder / "evaluations" / data.resolve().name

    def kept_evaluation(self, data: Path | None = None, tta: bool = False) -> Path:
        """The file that keeps a checkpoint's metrics, on the run's own data or on other."""
        file = self.evaluation_tta if tta else self.evaluation
        return file if data is None else self.evaluation_of(data) / file.name

    @property
    def bundle(self) -> Path:
        return self.folder / f"{self.name}.bundle"

    @property
    def archive(self) -> Path:
        return self.folder / f"{self.name}.mar"

    def latest_checkpoint(self) -> Path | None:
        """The newest checkpoint, None before there is one."""
        pointer = self.folder / "last_checkpoint"
        if not pointer.is_file():
            return None
        return self.folder / Path(pointer.read_text().strip()).name

    def require_checkpoint(self) -> Path:
        """The newest checkpoint.

        Raises:
            UserError: The run has none, or it is damaged.
        """
        checkpoint = self.latest_checkpoint()
        if checkpoint is None or not self.config.is_file():
            raise UserError(
                f"{self.folder} holds no trained model. Train it first: umop train {self.name}"
            )
        if not checkpoint.is_file():
            raise UserError(f"{checkpoint} is gone, though {self.folder} names it as its newest.")
        if not is_zipfile(checkpoint):
            raise UserError(
                f"{checkpoint} is damaged: it is no whole file of torch.save. Name another "
                f"checkpoint in {self.folder / 'last_checkpoint'}, or train again."
            )
        return checkpoint
