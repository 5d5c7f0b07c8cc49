"""A mistake on the command line is one clear message; help explains the options."""

from __future__ import annotations

import pytest

from tests.umop.conftest import Umop


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "dmo"], "no config 'dmo'. Did you mean 'demo'?"),
        (["train", "demo", "--data", "/nowhere"], "/nowhere does not exist"),
        (["train", "demo", "--run", "x"], "Fetch it with: umop data demo"),
        (["train", "demo", "--set", "iterations"], "name=value"),
        (["train", "demo", "--time", "soon"], "'soon' is not a valid time"),
        (
            ["train", "demo", "--batch", "0"],
            "--batch must be a whole number from 1 to 1000000, or auto, not 0.",
        ),
        (
            ["train", "demo", "--epochs", "9" * 30],
            "--epochs must be a whole number from 1 to 1000000",
        ),
        (["train", "demo", "--set", f"train_cfg.max_iters={'9' * 400}"], "from 1 to 1000000000."),
        (["train", "demo", "--size", "9"], "--size must be a whole number from 32 to 8192, not 9."),
        (["train", "demo", "--lr", "-1"], "--lr must be a number from 1e-12 to 1000, not -1.0."),
        (["train", "demo", "--lr", "inf"], "--lr must be a number from 1e-12 to 1000, not inf."),
        (["train", "demo", "--set", "train_dataloader.dataset.pipeline=[]"], "PackDetInputs"),
        (["eval", "never"], "runs/never holds no trained model"),
        (["export", "never"], "Train it first: umop train CONFIG --run never"),
        (["export", "discs", "--version", "2 0"], "its version is '2 0'"),
        (["eval", "discs", "--data", "/nowhere"], "/nowhere does not exist"),
        (["eval", "discs", "--engine", "torch"], "--engine is for bundles: add --bundle."),
        (["data", "convert", "x", "y", "--min-score", "0.5"], "add --predictions."),
        (["train", "demo", "--weights", ""], "--weights is empty. Leave it out, or give a value."),
        (["train", "demo", "--mirror", ""], "--mirror is empty. Leave it out, or give a value."),
        (["train", "--data", ""], "Invalid value for '--data': The path is empty."),
        (["data", "check", ""], "The path is empty."),
        (["data", "convert", "", "new"], "The path is empty."),
        (["data", "captured", "", "new"], "The path is empty."),
        (["train", "", "--data", "nowhere"], "'' is not a valid name for a run"),
        (["train", "demo", "--run", "x", "--processes", "9999"], "9999 processes need as many"),
        (["train"], "Name a config, such as demo, or give your data"),
        (["train", "--data", "nowhere"], "nowhere"),
        (["train", "demo", "--sed", "1"], "No such option"),
    ],
)
def test_a_mistake_is_one_clear_message(umop: Umop, arguments: list[str], message: str) -> None:
    code, _, err = umop(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["..", "a/b", "", "a b", "-x", ".x", "é", "x" * 101])
def test_a_run_has_a_plain_name(umop: Umop, name: str) -> None:
    for command in (["train", "demo"], ["import-checkpoint", "x.pth", "--config", "demo"]):
        code, _, err = umop(*command, f"--run={name}")
        assert code == 2
        assert f"'{name}' is not a valid name for a run" in err


@pytest.mark.parametrize(
    ("command", "explained"),
    [
        ("train", ["--data", "--device", "--processes", "--set"]),
        ("eval", ["--data", "--bundle", "--tta"]),
        ("export", ["--version", "--precision", "--sample"]),
        ("data", ["demo", "coco", "weights"]),
    ],
)
def test_help_explains_every_option(umop: Umop, command: str, explained: list[str]) -> None:
    code, out, _ = umop(command, "--help")
    assert code == 0
    assert [name for name in explained if name not in out] == []
