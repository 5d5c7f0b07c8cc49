"""``umop eval`` measures a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from mmengine.config import Config

from tests.umop.conftest import Umop


def test_eval_prints_and_keeps_the_twelve_numbers(umop: Umop, workplace: Path) -> None:
    run = workplace / "runs" / "discs"
    files = [run / name for name in ("evaluation.json", "analysis.json", "detections.json")]
    by_training = [file.read_text() for file in files]
    code, out, err = umop("eval", "discs")
    assert code == 0, err
    assert [file.read_text() for file in files] == by_training
    kept = json.loads((workplace / "runs" / "discs" / "evaluation.json").read_text())["metrics"]
    assert len(kept) == 12
    assert f"{kept['AP50']:.3f}" in out
    assert "runs/discs/evaluation.json" in out
    assert f"{kept['AP50']:.3f}" in (workplace / "runs" / "discs" / "report.html").read_text()


def test_eval_ends_though_its_data_loader_has_processes(workplace: Path) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "loaded"))
    config = Config.fromfile(copy / "config.py")
    config.test_dataloader |= {"num_workers": 1, "persistent_workers": True}
    config.dump(copy / "config.py")
    command = [sys.executable, "-m", "umop.cli", "eval", "loaded"]
    ended = subprocess.run(command, timeout=120, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "runs/loaded/evaluation.json" in ended.stdout


def test_a_run_is_read_from_any_folder(umop: Umop, workplace: Path) -> None:
    code, _, err = umop("eval", f"{workplace}/runs/discs")
    assert code == 0, err
    code, _, err = umop("eval", f"{workplace}/runs/nothing")
    assert code == 2
    assert f"There is no run at {workplace}/runs/nothing" in err


def test_a_best_checkpoint_that_is_not_what_was_saved_is_refused(
    umop: Umop, workplace: Path
) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "bad"))
    best = copy / "best.pth"
    content = bytearray(best.read_bytes())
    content[len(content) // 2] ^= 1
    best.write_bytes(content)
    for command in (["eval", "bad"], ["export", "bad"], ["data", "suspects", "bad"]):
        code, _, err = umop(*command)
        assert code == 2
        assert "best.pth is damaged: it is not the file that was saved" in err


def test_a_damaged_checkpoint_is_named(umop: Umop, workplace: Path) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "cut"))
    checkpoint = copy / "iter_4.pth"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    for command in ("eval", "export"):
        code, _, err = umop(command, "cut")
        assert code == 2
        assert "iter_4.pth is damaged" in err
