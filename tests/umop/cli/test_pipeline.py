"""The ``umop`` command from training to the bundle, on a small data set."""

from __future__ import annotations

import json
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from mmengine.visualization import Visualizer

from serving.bundle import Bundle
from serving.inference.detector import DetectOptions, Detector
from tests.serving.make_bundle import make_bundle
from tests.serving.signing import make_key_pair
from tests.umop.conftest import Umop, lively, rot
from umop.export import is_exported
from umop.runs.folder import RunFolder

SMALL = [
    "--set", "train_cfg.max_iters=4",
    "--set", "train_cfg.val_interval=4",
    "--set", "default_hooks.checkpoint.interval=2",
    "--set", "train_dataloader.batch_size=2",
    "--set", "train_dataloader.num_workers=0",
    "--set", "train_dataloader.persistent_workers=False",
    "--set", "model.backbone.pretrained=False",
    "--set", "custom_hooks.0.interval=2",
    "--set", "custom_hooks.1.interval=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workplace")


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)


def test_train_keeps_what_the_run_folder_promises(umop: Umop, discs: Path, workplace: Path) -> None:
    code, out, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    assert code == 0, err
    assert "Trained: runs/discs/iter_4.pth" in out
    assert re.search(r"On the validation data, at iteration 4: AP \d\.\d{3}, AP50 \d\.\d{3}", out)
    assert re.search(
        r"^training: iteration 4 of 4, loss \d+\.\d{3} \(cls \d+\.\d{3}, bbox \d+\.\d{3}, "
        r"centerness \d+\.\d{3}\), \d+\.\d images/s, about 0 s left$",
        err,
        re.MULTILINE,
    )
    run = workplace / "runs" / "discs"
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
    other = ["--data", str(discs), "--batch", "2", "--size", "64", "--epochs", "1", *SMALL[8:]]
    code, _, err = umop("train", "small", "--run", "tuned", *other, "--weights", "planned")
    assert code == 0, err
    assert re.search(r"Weights: (\d+) of the model's \1 tensors from runs/planned/\w+\.pth", err)
    code, _, err = umop("train", "small", "--run", "tuned", *other, "--weights", "discs")
    assert code == 2
    assert "another config (different: load_from" in err


def test_train_again_leaves_a_finished_run_alone(umop: Umop, discs: Path, workplace: Path) -> None:
    checkpoint = workplace / "runs" / "discs" / "iter_4.pth"
    before = checkpoint.stat().st_mtime_ns
    code, _, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    assert code == 0, err
    assert checkpoint.stat().st_mtime_ns == before


@pytest.mark.slow
def test_train_resumes_where_it_was_interrupted(umop: Umop, discs: Path, workplace: Path) -> None:
    run = workplace / "runs" / "discs"
    finished = torch.load(run / "iter_4.pth", weights_only=False)
    interrupted = torch.load(run / "iter_2.pth", weights_only=False)
    (run / "iter_4.pth").unlink()
    (run / "last_checkpoint").write_text(str(run / "iter_2.pth"))
    code, _, err = umop("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    assert code == 0, err
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


@pytest.mark.slow
def test_export_writes_a_bundle_that_serves(umop: Umop, workplace: Path, discs: Path) -> None:
    for name in ("iter_4.pth", "best.pth"):
        lively(workplace / "runs" / "discs" / name)
    code, out, err = umop("export", "discs", "--version", "1.2")
    assert code == 0, err
    assert "it finds what mmdet finds" in out
    path = workplace / "runs" / "discs" / "discs.bundle"
    manifest = Bundle.open(path).manifest
    assert (manifest.name, manifest.version, manifest.classes) == ("discs", "1.2", ("tree",))
    image = cv2.imread(str(discs / "val" / "0.png"))[..., ::-1]
    [found] = Detector.load(path).detect([image], [DetectOptions(score_threshold=0.05)])
    assert len(found) > 0

    assert manifest.metrics == {}, "the checkpoint has changed since it was evaluated"

    code, out, _ = umop("export", "discs")
    assert code == 0
    assert "already" in out
    run = RunFolder(workplace / "runs" / "discs")
    assert is_exported(run, "1.2")
    assert not is_exported(run, "1.3")


def test_export_and_sign_sign_the_bundle(umop: Umop, workplace: Path, tmp_path: Path) -> None:
    keys = make_key_pair(tmp_path)
    bundle = workplace / "runs" / "discs" / "discs.bundle"
    for command in (["export", "discs", "--sign"], ["sign", "discs", "--key"]):
        code, out, err = umop(*command, str(keys.private))
        assert code == 0, err
        assert "Signed: runs/discs/discs.bundle/model.sig" in out
        assert Bundle.open(bundle, verify_key=keys.public).is_verified
        (bundle / "model.sig").unlink()
        code, out, err = umop(*command, "none.key")
        assert (code, out) == (2, ""), "a key that cannot be used is refused before any work"
        assert err == "error: none.key: the private key cannot be read: No such file or directory\n"


def test_archive_says_how_it_is_served(umop: Umop, workplace: Path) -> None:
    make_bundle(workplace / "runs" / "squares" / "squares.bundle")
    code, out, err = umop("archive", "runs/squares", "--workers", "2")
    assert code == 0, err
    archive = Path("runs/squares/squares.mar")
    assert out == f"Archive: {archive}\nServe it: umop-serve torchserve {archive}\n"
    assert "minWorkers: 2" in zipfile.ZipFile(archive).read("model-config.yaml").decode()


def test_an_evaluation_of_another_version_is_named(umop: Umop, workplace: Path) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "old"))
    (copy / "evaluation.json").write_text('{"AP": 0.5}')
    code, _, err = umop("export", "old", "--force")
    assert code == 2
    assert "runs/old/evaluation.json is no evaluation of this version" in err


def test_a_damaged_checkpoint_is_named(umop: Umop, workplace: Path) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "cut"))
    checkpoint = copy / "iter_4.pth"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    for command in ("eval", "export"):
        code, _, err = umop(command, "cut")
        assert code == 2
        assert "iter_4.pth is damaged" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.backbone.name=nosuchnet", "Unknown model (nosuchnet)"),
        ("env_cfg.mp_cfg.mp_start_method=thread", "cannot find context for 'thread'"),
        ("optim_wrapper.optimizer.betas=3", "TypeError"),
    ],
)
def test_what_cannot_be_built_is_one_line(
    umop: Umop, discs: Path, workplace: Path, change: str, message: str
) -> None:
    Visualizer._instance_dict.clear()  # named by the second, so one of another test may be taken
    code, _, err = umop(
        "train", "demo", "--run", "unbuilt", "--data", str(discs), *SMALL, "--set", change
    )
    assert code == 2
    [line] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: The config cannot be built: ")
    assert message in line
    assert "Traceback" not in err
    assert not (workplace / "runs" / "unbuilt").exists(), "nothing was trained"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "dmo"], "no config 'dmo'. Did you mean 'demo'?"),
        (["train", "demo", "--data", "/nowhere"], "/nowhere does not exist"),
        (["train", "demo", "--run", "x"], "Fetch it with: umop data demo"),
        (["train", "demo", "--set", "iterations"], "name=value"),
        (["train", "demo", "--time", "soon"], "'soon' is no time"),
        (["train", "demo", "--batch", "0"], "--batch must be a whole number, 1 or more, not 0."),
        (["train", "demo", "--size", "9"], "--size must be a whole number from 32 to 8192, not 9."),
        (["train", "demo", "--lr", "-1"], "--lr must be a number from 1e-12 to 1000, not -1.0."),
        (["train", "demo", "--lr", "inf"], "--lr must be a number from 1e-12 to 1000, not inf."),
        (["train", "demo", "--set", "train_dataloader.dataset.pipeline=[]"], "PackDetInputs"),
        (["eval", "never"], "runs/never holds no trained model"),
        (["export", "never"], "Train it first: umop train CONFIG --run never"),
        (["export", "discs", "--version", "2 0"], "its version is '2 0'"),
        (["eval", "discs", "--data", "/nowhere"], "/nowhere does not exist"),
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


def test_the_name_of_an_extra_reaches_the_terminal(
    umop: Umop, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_archiver", None)
    code, _, err = umop("archive", "discs")
    assert code == 2
    assert "pip install 'umop[torchserve]'" in err


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_image_is_named(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path, workers: int
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(discs, root)
    assert umop("data", "check", str(root))[0] == 0
    rot(root)
    load = ["--set", f"train_dataloader.num_workers={workers}"]
    code, _, err = umop("train", "demo", "--run", "broken", "--data", str(root), *SMALL, *load)
    assert code == 2
    [message] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert re.fullmatch(
        rf"error: {root}/train/\d\.png cannot be read as an image: the image is damaged: .*",
        message,
    )
    assert "Traceback" not in err


def test_an_unreadable_image_is_refused_before_training(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(discs, root)
    rot(root)
    code, _, err = umop("train", "demo", "--run", "refused", "--data", str(root), *SMALL)
    assert code == 2
    assert f"error: {root} has " in err
    assert re.search(r"image that cannot be read: 9, such as train/\d\.png: ", err)
    assert "Traceback" not in err
    assert not (workplace / "runs" / "refused").exists(), "nothing was trained"


def test_a_full_disk_is_one_line(umop: Umop, discs: Path, workplace: Path) -> None:
    run = workplace / "runs" / "crammed"
    (run / "annotations").mkdir(parents=True)
    (run / "annotations" / "train.json").symlink_to("/dev/full")
    train = ["train", "demo", "--run", "crammed", "--data", str(discs), *SMALL]
    code, _, err = umop(*train)
    assert code == 2
    assert err.splitlines()[-1] == (
        "error: There is no space left in runs/crammed. Nothing is saved yet: make room, and the "
        "same command goes on."
    )
    code, _, err = umop("data", "check", str(discs), "--html", "/dev/full")
    assert code == 2
    assert "/dev/full cannot be written: No space left on device" in err


@pytest.mark.parametrize("name", ["..", "a/b", "", "a b", "-x", ".x", "é", "x" * 101])
def test_a_run_has_a_plain_name(umop: Umop, name: str) -> None:
    for command in (["train", "demo"], ["import-checkpoint", "x.pth", "--config", "demo"]):
        code, _, err = umop(*command, f"--run={name}")
        assert code == 2
        assert f"'{name}' is not a valid name for a run" in err


def test_a_run_is_read_from_any_folder(umop: Umop, workplace: Path) -> None:
    code, _, err = umop("eval", f"{workplace}/runs/discs")
    assert code == 0, err
    code, _, err = umop("eval", f"{workplace}/runs/nothing")
    assert code == 2
    assert f"There is no run at {workplace}/runs/nothing" in err


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
