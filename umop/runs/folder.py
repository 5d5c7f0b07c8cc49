"""The folder that keeps everything about one training run."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from umop.system.errors import UserError

if TYPE_CHECKING:
    from typing_extensions import Self

ROOT = Path("runs")
BEST = "best.pth"
POINTER = "last_checkpoint"
_LOCK = ".lock"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names of runs: a bundle's manifest takes the same."""


@dataclass(frozen=True)
class RunFolder:
    """``runs/<name>/``.

    Attributes:
        folder: Holds the config, provenance, metrics, checkpoints, evaluation and bundle.
    """

    folder: Path

    @classmethod
    def named(cls, name: str) -> Self:
        """The run to read: of that name in ``runs/``, or in the folder at that path.

        Raises:
            UserError: There is no folder at that path, or it is not a valid name for a run.
        """
        if "/" not in name:
            return cls.to_train(name)
        if not Path(name).is_dir():
            raise UserError(f"There is no run at {name}: it is not a folder.")
        return cls(Path(name))

    @classmethod
    def to_train(cls, name: str) -> Self:
        """The run of that name in ``runs/``.

        Raises:
            UserError: It is not a valid name for a run.
        """
        if not _NAME.fullmatch(name):
            raise UserError(
                f"{name!r} is not a valid name for a run. Use at most 100 letters, digits, '.', "
                "'_' and '-', with a letter or digit first, as in --run trees-2."
            )
        return cls(ROOT / name)

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def name(self) -> str:
        """The name of the folder, which is the run's."""
        return self.folder.name

    @property
    def config(self) -> Path:
        """The config as it was resolved."""
        return self.folder / "config.py"

    @property
    def provenance(self) -> Path:
        """An entry for each start: versions, hardware, data, seed, command and end."""
        return self.folder / "provenance.json"

    @property
    def metrics_file(self) -> Path:
        """Losses and metrics, a line of JSON every ten iterations."""
        return self.folder / "metrics.jsonl"

    @property
    def pointer(self) -> Path:
        """Names the newest checkpoint."""
        return self.folder / POINTER

    @property
    def best(self) -> Path:
        """The checkpoint that has the best AP so far."""
        return self.folder / BEST

    @property
    def annotations(self) -> Path:
        """The labels of the user's data as they are trained on."""
        return self.folder / "annotations"

    @property
    def data_warnings(self) -> Path:
        """What the check of the config's own data found when the run was started."""
        return self.folder / "check.json"

    @property
    def tensorboard(self) -> Path:
        """The event files of TensorBoard."""
        return self.folder / "tensorboard"

    @property
    def mlflow_id(self) -> Path:
        """Keeps the id of MLflow's run."""
        return self.folder / "mlflow-run.txt"

    @property
    def lock(self) -> Path:
        """The file that the process which trains holds locked."""
        return self.folder / _LOCK

    @property
    def report(self) -> Path:
        """The page that shows the run."""
        return self.folder / "report.html"

    @property
    def evaluation(self) -> Path:
        """What the best checkpoint scores on the run's own data."""
        return self.folder / "evaluation.json"

    @property
    def evaluation_tta(self) -> Path:
        """The same with test-time augmentation."""
        return self.folder / "evaluation-tta.json"

    @property
    def speed(self) -> Path:
        """How fast the bundle is on the machine that exported it."""
        return self.folder / "speed.json"

    def evaluation_of(self, data: Path) -> Path:
        """The folder that keeps what is measured on other data than the run's own.

        It is named after the data's folder, and by a digest of its path, because many have a name
        such as ``val``.
        """
        path = data.resolve()
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:6]
        return self.folder / "evaluations" / f"{path.name}-{digest}"

    def kept_evaluation(self, data: Path | None = None, tta: bool = False) -> Path:
        """The file that keeps a checkpoint's metrics, on the run's own data or on other."""
        file = self.evaluation_tta if tta else self.evaluation
        return file if data is None else self.evaluation_of(data) / file.name

    @property
    def bundle(self) -> Path:
        """The folder that is served."""
        return self.folder / f"{self.name}.bundle"

    @property
    def archive(self) -> Path:
        """The archive for TorchServe."""
        return self.folder / f"{self.name}.mar"

    def starts(self) -> list[dict[str, Any]]:
        """The entries of ``provenance.json``, one for each start, oldest first.

        Raises:
            UserError: The file is damaged.
        """
        if not self.provenance.is_file():
            return []
        try:
            starts: list[dict[str, Any]] = json.loads(self.provenance.read_text())
        except ValueError as error:
            raise UserError(
                f"{self.provenance} is damaged: {error}. Delete it to go on without it."
            ) from None
        return starts

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``; none before the first.

        A last line that a kill cut off is left out.

        Raises:
            UserError: Another line is damaged.
        """
        if not self.metrics_file.is_file():
            return []
        try:
            lines = self.metrics_file.read_text().splitlines(keepends=True)
            return [dict(json.loads(line)) for line in lines if line.endswith("\n")]
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.metrics_file} is damaged: {error}") from None

    def last_metrics(self) -> dict[str, Any] | None:
        """What the last evaluation during training measured, None before there was one."""
        return next((line for line in reversed(self.read_metrics()) if "AP" in line), None)

    def latest_checkpoint(self) -> Path | None:
        """The newest checkpoint, None before there is one."""
        if not self.pointer.is_file():
            return None
        return self.folder / Path(self.pointer.read_text().strip()).name

    def best_checkpoint(self) -> Path:
        """The checkpoint that had the best AP during training; the newest where none is marked.

        Raises:
            UserError: The run has none, or it is damaged.
        """
        newest = self.require_checkpoint()
        return self.best if self.best.is_file() else newest

    def require_checkpoint(self) -> Path:
        """The newest checkpoint.

        Raises:
            UserError: The run has none, or it is damaged.
        """
        checkpoint = self.latest_checkpoint()
        if checkpoint is None or not self.config.is_file():
            raise UserError(
                f"{self.folder} holds no trained model. Train it first: umop train CONFIG --run "
                f"{self.name}. Those that are here: umop runs"
            )
        if not checkpoint.is_file():
            raise UserError(f"{checkpoint} is gone, though {self.pointer} names it.")
        if not is_zipfile(checkpoint):
            raise UserError(
                f"{checkpoint} is damaged: it is not a whole file of torch.save. Name another "
                f"checkpoint in {self.pointer}, or train again."
            )
        return checkpoint
