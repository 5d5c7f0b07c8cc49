"""A published model on data of the user's own, from training to test-time augmentation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from mmdet.models import SingleStageDetector

from tests.umop.conftest import Umop, lively, rot
from umop.runs.folder import RunFolder
from umop.system.exit_codes import FAILURE

pytestmark = pytest.mark.slow

SIZE = (128, 128)
RESNET = ["model.backbone.depth=18", "model.neck.in_channels=[64, 128, 256, 512]"]
SWIN = [
    "model.backbone.embed_dims=24",
    "model.backbone.depths=(1, 1, 1, 1)",
    "model.neck.in_channels=[24, 48, 96, 192]",
    f"train_dataloader.dataset.pipeline.2.scale={[SIZE, SIZE]}",
]
CHANGES = [
    "model.backbone.init_cfg=None",
    "model.neck.out_channels=64",
    "model.bbox_head.in_channels=64",
    "model.bbox_head.feat_channels=64",
    "train_cfg.max_epochs=1",
    "custom_hooks.0.interval=1",
    "custom_hooks.1.interval=1",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
    f"train_dataloader.dataset.pipeline.2.scale={SIZE}",
    f"val_dataloader.dataset.pipeline.1.scale={SIZE}",
    f"test_dataloader.dataset.pipeline.1.scale={SIZE}",
    *(f"tta_pipeline.1.transforms.0.{view}.scale={SIZE}" for view in range(4)),
]


def small(changes: list[str]) -> list[str]:
    """Options that make a training small."""
    return ["--device", "cpu", *(part for one in CHANGES + changes for part in ("--set", one))]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_it_trains_on_the_processor_when_asked(umop: Umop, discs: Path, workplace: Path) -> None:
    code, _, err = umop("train", "r50", "--data", str(discs), *small(RESNET))
    assert code == 0, err
    assert "1 × 2 = 2 images a step. Learning rate: 0.00125" in err
    run = workplace / "runs" / "r50"
    assert (run / "epoch_1.pth").is_file()
    assert "AP" in json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])


def test_it_evaluates_with_tta(umop: Umop, workplace: Path) -> None:
    run = workplace / "runs" / "r50"
    for name in ("epoch_1.pth", "best.pth"):
        lively(run / name)
    for options, file in (([], "evaluation.json"), (["--tta"], "evaluation-tta.json")):
        code, out, err = umop("eval", "r50", *options)
        assert code == 0, err
        assert f"Kept in runs/r50/{file}" in out
        kept = json.loads((run / file).read_text())["metrics"]
        assert len(kept) == 12
        assert kept["AR100"] > 0, "only the trained weights detect anything"


def test_other_data_is_evaluated_beside_the_run(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "val").symlink_to(discs / "val")
    content = json.loads((discs / "val.json").read_text())
    flat = {**content["annotations"][0], "id": 10**6, "bbox": [1, 1, 0, 0]}
    (other / "val.json").write_text(
        json.dumps({**content, "annotations": [*content["annotations"], flat]})
    )
    run = workplace / "runs" / "r50"
    before = {path: path.read_bytes() for path in run.rglob("*.json")}
    code, out, err = umop("eval", "r50", "--data", str(other))
    assert code == 0, err
    kept = RunFolder(Path("runs/r50")).kept_evaluation(other)
    assert f"Kept in {kept}, of the data {other}" in out
    assert kept.parent.name.startswith("other-")
    assert "box without area: 1, left out" in err
    assert {path: path.read_bytes() for path in before} == before


def test_data_of_one_name_in_two_places_is_kept_apart(tmp_path: Path) -> None:
    first, second = (
        RunFolder(tmp_path).evaluation_of(Path(place, "val")) for place in ("/a", "/b")
    )
    assert first != second


def test_a_refused_start_writes_nothing(umop: Umop, discs: Path, workplace: Path) -> None:
    run = workplace / "runs" / "r50"
    root = run.parent.parent / "flat"
    root.mkdir()
    for split in ("train", "val"):
        (root / split).symlink_to(discs / split)
        content = json.loads((discs / f"{split}.json").read_text())
        content["annotations"][0]["bbox"] = [1, 1, 0, 0]
        (root / f"{split}.json").write_text(json.dumps(content))
    before = {path: path.read_bytes() for path in (run / "annotations").iterdir()}
    code, _, err = umop("train", "r50", "--data", str(root), *small(RESNET))
    assert code == 2
    assert f"was started with --data {discs}" in err
    assert {path: path.read_bytes() for path in (run / "annotations").iterdir()} == before


def test_evaluation_refuses_data_of_other_classes(umop: Umop, discs: Path, tmp_path: Path) -> None:
    root = tmp_path / "cells"
    root.mkdir()
    (root / "val").symlink_to(discs / "val")
    content = (discs / "val.json").read_text().replace('"tree"', '"cell"')
    (root / "val.json").write_text(content)
    code, _, err = umop("eval", "r50", "--data", str(root))
    assert code == 2
    assert "Only on one side: cell, tree" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "changes", "rate"), [("r50", RESNET, "0.0025"), ("swin_s", SWIN, "2.5e-05")]
)
def test_two_processes_train_together(
    umop: Umop, discs: Path, workplace: Path, config: str, changes: list[str], rate: str
) -> None:
    run = workplace / "runs" / f"{config}-both"
    together = ["--processes", "2", "--run", run.name]
    code, _, err = umop("train", config, "--data", str(discs), *small(changes), *together)
    assert code == 0, err
    assert f"2 × 2 = 4 images a step. Learning rate: {rate}" in err
    assert (run / "epoch_1.pth").is_file()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    trained = [line for line in lines if "loss" in line]
    assert len(trained) == 2, "6 images in steps of 4, written by one process"
    assert len(json.loads((run / "provenance.json").read_text())) == 1


@pytest.mark.slow
def test_a_process_that_fails_fails_the_command(umop: Umop, discs: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(discs, broken)
    assert umop("data", "check", str(broken))[0] == 0
    rot(broken)
    together = ["--processes", "2", "--run", "broken"]
    code, _, err = umop("train", "r50", "--data", str(broken), *small(RESNET), *together)
    assert code == 2
    assert "cannot be read as an image" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "r50", "--device", "cpu"], "Fetch it with: umop data coco"),
        (["train", "r50", "--device", "gpu"], "'gpu' is not one of"),
        (["train", "plugin/gfl_um"], "Did you mean 'plugin/gfl_umop'?"),
        (["data", "weights", "r5"], "no config 'r5'"),
        (["import-checkpoint", "/nowhere.pth", "--config", "r50"], "/nowhere.pth does not exist"),
    ],
)
def test_a_mistake_is_one_clear_message(umop: Umop, arguments: list[str], message: str) -> None:
    code, _, err = umop(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_machine_without_what_it_takes_is_one_clear_message(umop: Umop) -> None:
    code, _, err = umop("train", "swin_l")
    assert code == FAILURE, "another machine may have it"
    assert "No GPU was found" in err
    assert "Traceback" not in err


def test_a_gpu_without_memory_is_one_clear_message_and_keeps_no_run(
    umop: Umop, configs: Path, discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_step(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(SingleStageDetector, "train_step", train_step)
    config = str(configs / "by_iteration.py")
    code, _, err = umop("train", config, "--data", str(discs), "--size", "64", "--run", "large")
    assert code == FAILURE
    assert "The GPU ran out of memory. --accumulate 2" in err
    assert "Traceback" not in err
    assert not Path("runs/large").exists(), "a smaller batch is another config"


def test_without_weights_or_network_training_says_where_they_go(
    umop: Umop, discs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path))
    monkeypatch.setattr("umop.weights.pretrained.PRETRAINED", {"resnet50": unreachable()})
    code, _, err = umop("train", "r50", "--data", str(discs), "--device", "cpu", "--run", "new")
    assert code == 1
    assert f"put the file at {tmp_path}/weights/resnet50.pth yourself" in err
    assert not Path("runs/new").exists(), "nothing was trained"


def unreachable() -> object:
    from umop.weights.pretrained import Pretrained

    return Pretrained("http://127.0.0.1:9/resnet50.pth")
