"""Training ends at a loss that is not finite, and says which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmdet.models import ATSSHead

from tests.umop.conftest import Umop
from umop.engine.hooks.finite_loss import first_not_finite, plain
from umop.runs.folder import RunFolder

LEVELS = 3
LOSSES = ATSSHead.loss_by_feat_single


def spoil(monkeypatch: pytest.MonkeyPatch, value: float, iteration: int, level: int) -> None:
    """Adds a value to the box loss of one level, in one iteration."""
    calls = iter(range(10**6))

    def losses(head: ATSSHead, *args: object, **kwargs: object) -> tuple[torch.Tensor, ...]:
        cls, bbox, *others = LOSSES(head, *args, **kwargs)
        is_it = next(calls) == (iteration - 1) * LEVELS + level
        return cls, bbox + value if is_it else bbox, *others

    monkeypatch.setattr(ATSSHead, "loss_by_feat_single", losses)


@pytest.mark.slow
@pytest.mark.parametrize(("value", "named"), [(float("nan"), "nan"), (float("inf"), "inf")])
def test_term_level_and_images_are_named(
    value: float,
    named: str,
    umop: Umop,
    discs: Path,
    configs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(monkeypatch, value, iteration=6, level=1)
    config = str(configs / "by_iteration.py")
    code, _, err = umop("train", config, "--run", "x", "--data", str(discs), "--size", "64")
    assert code == 1
    [message] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert f"The loss is not finite at iteration 6: loss_bbox of level 1 is {named}." in message
    assert "runs/x/not-finite.json" in message
    assert "Traceback" not in err
    run = RunFolder(tmp_path / "runs" / "x")
    kept = json.loads((run.folder / "not-finite.json").read_text())
    assert kept["iteration"] == 6
    assert len(kept["losses"]["loss_bbox"]) == LEVELS
    assert len(kept["pictures"]) == 2
    assert all(Path(image).parent == discs / "train" for image in kept["pictures"])
    assert run.require_checkpoint().name == "iter_5.pth", "from before"
    assert run.starts()[-1]["exit_code"] == 1

    code, _, err = umop("train", config, "--run", "x", "--data", str(discs), "--size", "64")
    assert code == 0, "the cause is gone, and the same command resumes"


def test_the_sum_of_finite_losses_can_overflow() -> None:
    values = {"loss_cls": plain([torch.tensor(1.0), torch.tensor(3e38)]), "loss_box": [3e38]}
    assert first_not_finite(values) == "their sum overflows"
