"""What is said of MLflow's server leaves out the password in its address."""

from __future__ import annotations

from pathlib import Path

from umop.trackers.mlflow import ScalarsToMlflow


def test_a_password_in_the_address_is_not_printed(tmp_path: Path) -> None:
    tracker = ScalarsToMlflow(
        save_dir=str(tmp_path),
        tracking_uri="https://me:s3cr3t@mlflow.example.com/team",
        run_name="cells",
        must_answer=False,
    )
    assert tracker.place == "https://mlflow.example.com/team"
