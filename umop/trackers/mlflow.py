"""Sends a run's scalars to MLflow: one run there, however often training is started.

MLflow's own asynchronous logging does not replace the pauses here: its queue has no bound, it tries
each batch anew while the server is away, prints a line for each, and the process's end waits for
all of them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import MLflowVisBackend

from umop.runs.folder import RunFolder
from umop.runs.registry import experiment_name
from umop.system.console import note
from umop.system.errors import Stopped, UserError
from umop.trackers.tracker import Tracker, TrackerSettings

_SECONDS_OF_PAUSE = 600.0
"""How long nothing is sent to a server that did not answer."""
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Training waits for an answer; MLflow's own settings are 7 times and 120 s."""


@VISBACKENDS.register_module()
class ScalarsToMlflow(MLflowVisBackend):
    """mmengine's backend; it resumes MLflow's run, and training continues while MLflow is away.

    Args:
        must_answer: Whether it is an error if the server does not answer at the start.
        settings: Of mmengine's backend.
    """

    def __init__(self, *, must_answer: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.must_answer = must_answer
        self.file = RunFolder(Path(self._save_dir)).mlflow_id
        self.run_id: str | None = None
        self.paused_until = 0.0
        self.is_away = False

    def _init_env(self) -> None:
        for name, value in _PATIENCE.items():
            os.environ.setdefault(name, value)
        import mlflow

        self._mlflow = mlflow
        mlflow.set_tracking_uri(self._tracking_uri)

    def add_config(self, config: Config, **kwargs: Any) -> None:
        self.cfg = config
        self.send(lambda: None)
        self.must_answer = False

    @property
    def place(self) -> str:
        """The server's address, without the password that may be in it."""
        return re.sub(r"//[^/]*@", "//", str(self._tracking_uri))

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self.add_scalars({name: value}, step)

    def add_scalars(
        self,
        scalar_dict: dict[str, Any],
        step: int = 0,
        file_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.send(lambda: self._mlflow.log_metrics(scalar_dict, step, run_id=self.run_id))

    def close(self) -> None:
        if self.run_id is not None:
            self.send(lambda: self._mlflow.end_run(_status()))

    def send(self, what: Callable[[], object]) -> None:
        """Sends something, unless the server is away.

        Raises:
            UserError: It is, at the start of a new run.
        """
        self.experiment  # noqa: B018
        if time.monotonic() < self.paused_until:
            return
        handled = sys.exc_info()[1]
        try:
            if self.run_id is None:
                self.open_run()
            what()
        except (self._mlflow.MlflowException, OSError) as error:
            why = _brief(error, handled)
            reason = f"MLflow at {self.place} does not answer as it should: {why}"
            if self.must_answer:
                raise UserError(f"{reason} Without MLFLOW_TRACKING_URI nothing is sent.") from error
            if not self.is_away:
                note(f"warning: {reason} Training continues; metrics.jsonl has all scalars.")
            self.is_away = True
            self.paused_until = time.monotonic() + _SECONDS_OF_PAUSE
        else:
            self.is_away = False

    def open_run(self) -> None:
        """Resumes the run that the folder names, or makes one."""
        known = self.file.read_text().strip() if self.file.is_file() else None
        if known and self.is_there(known):
            self.run_id = self._mlflow.start_run(run_id=known).info.run_id
            return
        self._mlflow.set_experiment(self._exp_name)
        self.run_id = self._mlflow.start_run(run_name=self._run_name).info.run_id
        self.file.write_text(f"{self.run_id}\n")
        super().add_config(self.cfg)

    def is_there(self, run_id: str) -> bool:
        """Whether the server has a run that is not deleted."""
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            found = self._mlflow.get_run(run_id)
        except self._mlflow.MlflowException as error:
            if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                return False
            raise
        return bool(found.info.lifecycle_stage == "active")


def settings(run: RunFolder, done: int, variables: Mapping[str, str]) -> TrackerSettings | None:
    """Sends scalars, schedule and config; checkpoints and annotations stay in the run folder.

    Args:
        run: Its name is that of MLflow's run.
        done: Iterations that training goes on from; at 0 the server must answer.
        variables: The environment; ``MLFLOW_TRACKING_URI`` asks for MLflow.
    """
    if not (address := variables.get("MLFLOW_TRACKING_URI")):
        return None
    return {
        "type": ScalarsToMlflow.__name__,
        "save_dir": str(run.folder),
        "tracking_uri": address,
        "exp_name": experiment_name(variables),
        "run_name": run.name,
        "tracked_config_keys": ["train_cfg", "optim_wrapper", "randomness"],
        "artifact_suffix": (),
        "must_answer": done == 0,
    }


def _status() -> str:
    """MLflow's word for how training ends: the backend is closed while the error is handled."""
    error = sys.exc_info()[1]
    if error is None:
        return "FINISHED"
    return "KILLED" if isinstance(error, Stopped) else "FAILED"


def _brief(error: BaseException, handled: BaseException | None) -> str:
    """The reason behind an error of MLflow, as one sentence.

    Args:
        error: The error.
        handled: What ends training meanwhile, which is no reason.
    """
    while (reason := error.__cause__ or error.__context__) and reason is not handled:
        error = reason
    text = str(error) or type(error).__name__
    return f"{text.splitlines()[0].rstrip('.')}."


MLFLOW = Tracker("mlflow", "mlflow", settings)
