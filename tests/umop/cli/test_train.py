"""``umop train`` makes, resumes and continues runs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.umop.cli.conftest import Trained
from tests.umop.cli.small import SMALL
from tests.umop.conftest import Umop
from umop.training.precision import multiplies_bfloat16


def test_training_says_what_it_has_reached(trained: Trained) -> None:
    assert "Trained: runs/discs/iter_4.pth" in trained.out
    assert re.search(
        r"On the validation data, at iteration 4: AP \d\.\d{3}, AP50 \d\.\d{3}", trained.out
    )
    assert re.search(
        r"^training: iteration 4 of 4, loss \d+\.\d{3} \(cls \d+\.\d{3}, bbox \d+\.\d{3}, "
        r"centerness \d+\.\d{3}\), \d+\.\d images/s, about 0 s left$",
        trained.err,
        re.MULTILINE,
    )


def test_train_keeps_what_the_run_folder_promises(trained: Trained) -> None:
    run = trained.folder / "runs" / "discs"
    [started] = json.loads((run / "provenance.json").read_text())
    assert started["seed"] == 0
    assert started["command"].startswith("umop train demo --run discs --data")
    assert (started["first_iteration"], started["last_iteration"]) == (1, 4)
    assert started["exit_code"] == 0
    assert started["started"] <= started["ended"]
    assert started["versions"]["torch"] == "2.11.0"
    annotations = Path("runs/discs/annotations")
    assert {path: data["pictures"] for path, data in started["data"].items()} == {
        str(annotations / "train.json"): 6,
        str(annotations / "val.json"): 3,
    }
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["iter"] for line in lines] == [2, 4, 4]
    for level in range(5):
        assert 1.5 <= lines[0][f"gamma_{level}"] <= 2.5
        assert lines[0][f"alpha_{level}"] == pytest.approx(0.5 / lines[0][f"gamma_{level}"])
    assert sum(lines[0][f"positives_{level}"] for level in range(5)) > 0
    assert 0 <= lines[-1]["AP"] <= 1
    report = (run / "report.html").read_text()
    assert all(f'id="{section}"' in report for section in ("classes", "images", "data"))
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["metrics"]["AP"] == lines[-1]["AP"], "that of the best checkpoint"


@pytest.mark.slow
def test_the_plan_is_said_before_the_start_and_belongs_to_the_run(
    umop: Umop, discs: Path, workplace: Path
) -> None:
    changes = [*SMALL[4:], "--epochs", "2", "--batch", "4", "--accumulate", "2"]
    command = ["train", "small", "--run", "planned", "--data", str(discs), *changes, "--size"]
    code, out, err = umop(*command, "96")
    assert code == 0, err
    assert "Plan: 6 images of 1 class, 3 steps (6 iterations), 2 epochs; evaluated" in err
    assert "Batch: 1 × 2 × 2 parts = 4 images a step. Learning rate: 0.002." in err
    assert "Trained: runs/planned/iter_6.pth" in out
    code, _, err = umop(*command, "128")
    assert code == 2
    assert "another config (different: test_dataloader.dataset.pipeline.1.scale" in err


@pytest.mark.slow
def test_training_ends_within_its_time(umop: Umop, discs: Path, workplace: Path) -> None:
    data = ["--data", str(discs), "--batch", "2", "--size", "64"]
    code, _, err = umop(
        "train", "small", "--run", "timed", *data, *SMALL[8:], "--epochs", "9000", "--time", "12s"
    )
    assert code == 0, err
    assert "of 27000 iterations fit into the time" in err
    lines = (workplace / "runs" / "timed" / "metrics.jsonl").read_text().splitlines()
    assert sum("AP" in line for line in map(json.loads, lines)) >= 2, "evaluated on the way, too"


@pytest.mark.slow
def test_training_that_gets_no_better_ends_early(umop: Umop, discs: Path, workplace: Path) -> None:
    data = ["--data", str(discs), "--batch", "6", "--size", "64", *SMALL[8:]]
    patience = ["--epochs", "40", "--lr", "1e-9", "--patience", "2"]
    command = ["train", "small", "--run", "patient", *data, *patience]
    code, out, err = umop(*command)
    assert code == 0, err
    assert "evaluated 4 times on 3 images. Ends early after 2 evaluations" in err
    assert "Ended early, at iteration 30: AP has not grown for 2 evaluations." in err
    assert "Trained: runs/patient/iter_30.pth" in out
    code, out, err = umop(*command)
    assert (code, err) == (0, "")
    assert "Trained: runs/patient/iter_30.pth" in out, "it is finished"


def test_training_starts_from_another_run(umop: Umop, discs: Path, workplace: Path) -> None:
    base = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "base"))
    command = ["train", "demo", "--run", "tuned", "--data", str(discs), *SMALL, "--weights"]
    code, out, err = umop(*command, "base")
    assert code == 0, err
    assert re.search(r"Weights: (\d+) of the model's \1 tensors from runs/base/\w+\.pth", err)
    code, _, err = umop(*command, "runs/base/iter_2.pth")
    assert code == 2
    assert "another config (different: load_from" in err
    shutil.rmtree(base)
    code, again, err = umop(*command, "base")
    assert (code, again) == (0, out), err
    assert "note: --weights base: there is no such run or file. The run has checkpoints" in err
    code, _, err = umop(*command[:3], "untuned", *command[4:], "base")
    assert code == 2
    assert "there is no such run or file" in err


def test_train_again_leaves_a_finished_run_alone(umop: Umop, discs: Path, workplace: Path) -> None:
    checkpoint = workplace / "runs" / "discs" / "iter_4.pth"
    before = checkpoint.stat().st_mtime_ns
    code, _, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    assert code == 0, err
    assert checkpoint.stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_run_keeps_its_arithmetic_where_another_would_be_chosen(
    umop: Umop, discs: Path, workplace: Path
) -> None:
    other = "off" if multiplies_bfloat16() else "bf16"
    small = ["train", "small", "--run", "moved", "--data", str(discs), "--epochs", "1"]
    command = [*small, "--batch", "6", "--size", "64", *SMALL[8:]]
    code, _, err = umop(*command, "--amp", other)
    assert code == 0, err
    assert ("bfloat16" in err) == (other == "bf16")
    code, out, err = umop(*command)
    assert code == 0, err
    assert "Trained: runs/moved/" in out


@pytest.mark.slow
def test_train_resumes_where_it_was_interrupted(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path))
    run = workplace / "runs" / "discs"
    finished = torch.load(run / "iter_4.pth", weights_only=False)
    interrupted = torch.load(run / "iter_2.pth", weights_only=False)
    (run / "iter_4.pth").unlink()
    (run / "last_checkpoint").write_text(str(run / "iter_2.pth"))
    code, _, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    assert code == 0, err
    assert not (tmp_path / "weights").exists(), "the checkpoint has them all"
    resumed = torch.load(run / "iter_4.pth", weights_only=False)
    assert resumed["state_dict"].keys() == finished["state_dict"].keys()
    assert steps(interrupted) == {2}
    assert steps(resumed) == steps(finished) == {4}, "the optimizer continues, and is not reset"
    assert resumed["param_schedulers"] == finished["param_schedulers"]
    trained, before = resumed["state_dict"], interrupted["state_dict"]
    assert any(not torch.equal(trained[name], before[name]) for name in before)
    assert len(json.loads((run / "provenance.json").read_text())) == 2


def steps(checkpoint: dict[str, Any]) -> set[int]:
    """How many steps the optimizer of a checkpoint has made for each parameter."""
    return {int(state["step"]) for state in checkpoint["optimizer"]["state"].values()}


def test_train_refuses_to_mix_two_configs_in_a_run(umop: Umop, discs: Path) -> None:
    other = [*SMALL, "--set", "optim_wrapper.optimizer.lr=0.5"]
    code, _, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *other)
    assert code == 2
    assert "another config (different: optim_wrapper.optimizer.lr)" in err
