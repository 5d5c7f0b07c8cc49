"""A mistake in a config is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from umop.config.check import require_trainable
from umop.config.load import load_config
from umop.system.errors import UserError


def write(folder: Path, text: str) -> str:
    """Writes mine.py, and returns its path."""
    path = folder / "mine.py"
    path.write_text(f"{text}\n")
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("param_scheduler=[1]", r"param_scheduler is \[1\]; it must be a list of sections"),
        (
            "train_dataloader.dataset.pipeline=[1]",
            r"train_dataloader.dataset.pipeline is \[1\]; it must be a list of sections",
        ),
        ("randomness={[]:1}", "this must be a section"),
        ("randomness={1:2}", "randomness has the key 1; keys must be text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(change: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config("demo", [change])


@pytest.mark.parametrize("name", ["_base_", "seed"])
def test_a_literal_that_cannot_be_evaluated_is_a_mistake_of_the_file(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"mine\.py"):
        load_config(write(tmp_path, f"{name} = {{[]: 1}}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW'))",
            r"no optim_wrapper.optimizer.lr, and cannot be trained. Set it",
        ),
        (
            "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop')",
            "train_cfg has no length",
        ),
    ],
)
def test_what_training_cannot_do_without_is_named(text: str, message: str, tmp_path: Path) -> None:
    config = load_config(write(tmp_path, f"_base_ = 'small'\nauto_schedule = None\n{text}"))
    with pytest.raises(UserError, match=message):
        require_trainable(config)
