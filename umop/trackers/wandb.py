"""Sends a run's scalars to W&B: one run there, however often training is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import WandbVisBackend

from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.trackers.tracker import Tracker, TrackerSettings

_FILE = "wandb-run.txt"
"""Keeps the id of W&B's run, in the run folder."""


@VISBACKENDS.register_module()
class ScalarsToWandb(WandbVisBackend):
    """mmengine's backend; it resumes W&B's run, and uploads no Python files.

    Args:
        settings: Of mmengine's backend.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.file = Path(self._save_dir) / _FILE

    def _init_env(self) -> None:
        """Resumes the run that the folder names, or makes one.

        Raises:
            UserError: W&B refuses, as without a key.
        """
        import wandb

        if self.file.is_file():
            known = {"id": self.file.read_text().strip(), "resume": "allow"}
            self._init_kwargs |= known
        try:
            super()._init_env()
        except wandb.errors.Error as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise UserError(
                f"W&B cannot be used: {reason}. Without WANDB_API_KEY and WANDB_PROJECT nothing is "
                "sent."
            ) from error
        assert wandb.run is not None
        self.file.write_text(f"{wandb.run.id}\n")

    def add_config(self, config: Config, **_: Any) -> None:
        self.experiment.config.update(config.to_dict(), allow_val_change=True)

    def add_scalar(self, name: str, value: Any, step: int = 0, **_: Any) -> None:
        self.add_scalars({name: value}, step)

    def add_scalars(
        self,
        scalar_dict: dict[str, Any],
        step: int = 0,
        file_path: str | None = None,
        **_: Any,
    ) -> None:
        # W&B ignores iterations that it already has.
        self.experiment.log(scalar_dict, step=step)


def settings(run: RunFolder, done: int, variables: Mapping[str, str]) -> TrackerSettings | None:
    """W&B is requested by its key or its project.

    Args:
        run: Its name is that of W&B's run.
        done: Not needed: W&B ignores the iterations that it already has.
        variables: The environment.
    """
    if not (variables.get("WANDB_API_KEY") or variables.get("WANDB_PROJECT")):
        return None
    return {
        "type": ScalarsToWandb.__name__,
        "save_dir": str(run.folder),
        "init_kwargs": {"project": variables.get("WANDB_PROJECT", "umop"), "name": run.name},
    }


WANDB = Tracker("wandb", "wandb", settings)
