"""``umop.Run``: a run's folder, and what can be done with it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

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
    with pytest.raises(umop.UserError, match="runs/cells holds no trained model"):
        _ = run.metrics
    run.config.touch()
    ZipFile(run.folder / "iter_4.pth", "w").close()
    (run.folder / "last_checkpoint").write_text("iter_4.pth")
    with pytest.raises(umop.UserError, match=r"runs/cells has not been evaluated\. Evaluate it"):
        _ = run.metrics
    record = {"checkpoint_sha256": "", "annotations_sha256": "", "metrics": {"AP50": 0.9}}
    run.evaluation.write_text(json.dumps(record))
    assert run.metrics["AP50"] == 0.9


def test_a_run_that_was_not_trained_says_so(run: umop.Run) -> None:
    for act in (run.evaluate, run.export):
        with pytest.raises(umop.UserError, match="runs/cells holds no trained model"):
            act()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int3"}, "precision must be one of fp32, fp16, int8, not 'int3'."),
        ({"sample": "a.jpg"}, "sample must be a list of paths, not 'a.jpg'."),
        ({"version": 2}, "version must be text, not 2."),
    ],
)
def test_an_export_of_a_wrong_kind_is_refused(
    run: umop.Run, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(umop.UserError, match=message):
        run.export(**options)


def test_a_run_is_compared_with_another_run_alone(run: umop.Run) -> None:
    with pytest.raises(umop.UserError, match=r"other must be a run, such as umop\.Run"):
        run.compare("cells-2")  # type: ignore[arg-type]
    with pytest.raises(umop.UserError, match="runs/cells is compared with itself"):
        run.compare(umop.Run("runs/cells"))


@pytest.mark.parametrize("precision", [1.5, "0.9", True])
def test_a_precision_that_none_can_have_is_refused(run: umop.Run, precision: Any) -> None:
    with pytest.raises(umop.UserError, match=f"must be a number from 0 to 1, not {precision!r}"):
        run.evaluate(precision=precision)
