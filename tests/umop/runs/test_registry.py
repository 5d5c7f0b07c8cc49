"""What the registry is told of a run, and what the run remembers of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.registry import MlflowServer, RefusedError
from umop.runs.folder import RunFolder
from umop.runs.registry import _run_of


class EmptyServer(MlflowServer):
    """A server without runs that makes those it is asked for."""

    def __init__(self) -> None:
        super().__init__({"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    def get(self, what: str, **parameters: str) -> dict[str, Any]:
        if what == "experiments/get-by-name":
            return {"experiment": {"experiment_id": "1"}}
        raise RefusedError("no such run", "RESOURCE_DOES_NOT_EXIST", is_temporary=False)

    def post(self, what: str, **fields: object) -> dict[str, Any]:
        return {"run": {"info": {"run_id": "made"}}}


@pytest.mark.parametrize(("before", "after"), [(None, "made\n"), ("training's\n", "training's\n")])
def test_registering_elsewhere_keeps_the_run_that_training_logs_to(
    tmp_path: Path, before: str | None, after: str
) -> None:
    run = RunFolder(tmp_path)
    if before:
        run.mlflow_id.write_text(before)
    assert _run_of(EmptyServer(), run)["run_id"] == "made"
    assert run.mlflow_id.read_text() == after
