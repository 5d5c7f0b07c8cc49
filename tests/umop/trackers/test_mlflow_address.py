"""What is said of MLflow's server: its address without a password, and its own reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from umop.system.errors import Stopped
from umop.trackers.mlflow import ScalarsToMlflow


def test_a_password_in_the_address_is_not_printed(tmp_path: Path) -> None:
    tracker = ScalarsToMlflow(
        save_dir=str(tmp_path),
        tracking_uri="https://me:s3cr3t@mlflow.example.com/team",
        run_name="cells",
        must_answer=False,
    )
    assert tracker.place == "https://mlflow.example.com/team"


@pytest.mark.parametrize("ending", [Stopped(), RuntimeError("CUDA out of memory")])
def test_what_ends_training_is_no_reason_of_mlflows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: BaseException
) -> None:
    """The backend is closed while that is handled, and its server may be gone too."""
    tracker = ScalarsToMlflow(
        save_dir=str(tmp_path),
        tracking_uri="http://127.0.0.1:1",
        run_name="cells",
        exp_name="cells",
        must_answer=False,
    )
    tracker.run_id = "1"
    tracker.experiment  # noqa: B018
    try:
        raise ending
    except type(ending):
        tracker.send(refused)
    said = capfd.readouterr().err
    assert "does not answer as it should: refused." in said
    assert "CUDA" not in said


def refused() -> None:
    raise ConnectionError("refused")
