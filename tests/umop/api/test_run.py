"""``umop.Run``: a run's folder, and what can be done with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import umop


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> umop.Run:
    (tmp_path / "runs" / "cells").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return umop.Run.named("cells")


def test_a_run_is_found_by_its_name_or_folder(run: umop.Run) -> None:
    assert run == umop.Run("runs/cells") == umop.Run.named("runs/cells")
    assert (run.name, run.report, os.fspath(run)) == (
        "cells",
        Path("runs/cells/report.html"),
        "runs/cells",
    )


def test_metrics_are_those_of_the_last_evaluation(run: umop.Run) -> None:
    with pytest.raises(umop.UserError, match=r"runs/cells has not been evaluated\. Evaluate it"):
        _ = run.metrics
    record = {"checkpoint_sha256": "", "annotations_sha256": "", "metrics": {"AP50": 0.9}}
    run.evaluation.write_text(json.dumps(record))
    assert run.metrics["AP50"] == 0.9


def test_a_run_that_was_not_trained_says_so(run: umop.Run) -> None:
    for act in (run.evaluate, run.export):
        with pytest.raises(umop.UserError, match="runs/cells holds no trained model"):
            act()
