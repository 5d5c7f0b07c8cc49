"""Training starts from other detectors' weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from umop.config.load import load_config
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.weights.finetune import use_weights, write_initial_weights
from umop.weights.reading import read_checkpoint


@pytest.fixture
def config() -> Config:
    """A small ResNet detector of three classes."""
    config = load_config("r50")
    config.model.backbone.update(depth=18, init_cfg=None, base_channels=8)
    config.model.neck.update(in_channels=[8, 16, 32, 64], out_channels=32)
    config.model.bbox_head.update(num_classes=3, in_channels=32, feat_channels=32)
    config.train_dataloader.dataset.metainfo.classes = ("a", "b", "c")
    return config


def save(path: Path, model: Any, **meta: Any) -> Path:
    """Writes a checkpoint as mmdet does, with mmengine's log histories."""
    tensors = {name: torch.full_like(t, 0.25) for name, t in model.state_dict().items()}
    logs = {"train/loss": HistoryBuffer([1.0, 0.5], [1, 1])}
    torch.save({"meta": meta, "state_dict": tensors, "message_hub": {"log_scalars": logs}}, path)
    return path


def head(config: Config, kind: str, classes: int) -> Any:
    """The same detector with another of mmdet's heads."""
    model = load_config(kind).model
    model.backbone, model.neck = config.model.backbone, config.model.neck
    model.bbox_head.update(num_classes=classes, in_channels=32, feat_channels=32)
    return MODELS.build(model)


@pytest.mark.parametrize(
    ("kind", "classes", "fresh", "skipped"),
    [
        ("r50", 80, "bbox_head.atss_cls (2)", "bbox_head.atss_cls (2)"),
        ("plugin/retinanet", 80, "bbox_head.atss_cls (2)", "bbox_head.retina_cls (2)"),
        ("plugin/fcos", 3, "bbox_head.atss_cls (2)", "bbox_head.conv_cls (2)"),
    ],
)
def test_mmdets_heads_give_what_they_have(
    config: Config, tmp_path: Path, kind: str, classes: int, fresh: str, skipped: str
) -> None:
    file = save(tmp_path / "published.pth", head(config, kind, classes))
    run = RunFolder(tmp_path / "run")
    run.folder.mkdir()
    start = use_weights(config, str(file), run)
    write_initial_weights(start, run)
    first, fresh_line, left = start.report()
    assert f"{len(start.taken)} of the model's" in first
    assert fresh in fresh_line
    assert skipped in left
    model = MODELS.build(config.model)
    taken = torch.load(config.load_from, weights_only=True)["state_dict"]
    assert not model.load_state_dict(taken, strict=False).unexpected_keys
    assert (model.backbone.layer3[0].conv1.weight == 0.25).all()
    assert not (model.bbox_head.atss_cls.weight == 0.25).any()


def test_classes_of_other_names_get_a_layer_of_their_own(config: Config, tmp_path: Path) -> None:
    model = head(config, "r50", 3)
    file = save(tmp_path / "same.pth", model, dataset_meta={"classes": ("a", "b", "c")})
    assert use_weights(config, str(file), RunFolder(tmp_path)).fresh == ()
    file = save(tmp_path / "other.pth", model, CLASSES=("x", "y", "z"))
    fresh = use_weights(config, str(file), RunFolder(tmp_path)).fresh
    assert fresh == ("bbox_head.atss_cls.weight", "bbox_head.atss_cls.bias")


def test_a_backbone_that_is_taken_needs_no_other_weights(tmp_path: Path) -> None:
    config = load_config("small")
    config.train_dataloader.dataset.metainfo.classes = ("a",)
    file = save(tmp_path / "small.pth", MODELS.build(config.model))
    use_weights(config, str(file), RunFolder(tmp_path))
    assert not config.model.backbone.pretrained


def test_another_backbone_is_refused(config: Config, tmp_path: Path) -> None:
    file = save(tmp_path / "small.pth", MODELS.build(load_config("small").model))
    with pytest.raises(UserError, match="Was it trained with another backbone"):
        use_weights(config, str(file), RunFolder(tmp_path))


def test_a_resnet_of_another_depth_is_refused(config: Config, tmp_path: Path) -> None:
    file = save(tmp_path / "r18.pth", MODELS.build(config.model))
    config.model.backbone.depth = 34
    with pytest.raises(
        UserError, match=r"120 of the backbone's \d+ tensors, and lacks backbone.la"
    ):
        use_weights(config, str(file), RunFolder(tmp_path))


@pytest.mark.parametrize(("field", "style"), [("cfg", "caffe"), ("config", "pytorch")])
def test_a_resnet_of_another_style_is_said(
    config: Config, tmp_path: Path, field: str, style: str
) -> None:
    text = f"model = dict(backbone=dict(type='ResNet', depth=18, style='{style}'))"
    file = save(tmp_path / "a.pth", MODELS.build(config.model), **{field: text})
    report = use_weights(config, str(file), RunFolder(tmp_path)).report()
    assert ("of the style caffe" in report[-1]) == (style == "caffe")


@pytest.mark.parametrize("meta", [None, ["a"], {"dataset_meta": "a"}, {"CLASSES": 80}])
def test_odd_meta_data_names_no_classes(tmp_path: Path, meta: Any) -> None:
    torch.save({"state_dict": {}, "meta": meta}, tmp_path / "odd.pth")
    assert read_checkpoint(tmp_path / "odd.pth").classes == ()


class Trap:
    """What a hostile checkpoint could hold: reading it makes a file."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("indirectly", [False, True])
def test_nothing_in_a_file_is_executed(tmp_path: Path, indirectly: bool) -> None:
    trace = tmp_path / "executed"
    trap = Trap(getattr, Path, "touch") if indirectly else Trap(Path.touch, trace)
    torch.save({"state_dict": {}, "trap": trap}, tmp_path / "trap.pth")
    with pytest.raises(UserError, match="Nothing in it was executed"):
        read_checkpoint(tmp_path / "trap.pth")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.pth", "there is no such run or file"),
        ("none", "there is no such run or file"),
        ("backbone.pth", "a whole detector, not only a backbone"),
        ("text.pth", "another kind of file"),
        ("lines", "another kind of file"),
    ],
)
def test_what_is_no_checkpoint(config: Config, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "text.pth").write_text("not a checkpoint")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "backbone.pth")
    (tmp_path / "lines").write_text("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1\n")
    with pytest.raises(UserError, match=message):
        use_weights(config, str(tmp_path / name), RunFolder(tmp_path))


def test_tood_keeps_all_but_its_class_layer(tmp_path: Path) -> None:
    config = load_config("tood_r50")
    config.model.backbone.update(depth=18, init_cfg=None, base_channels=8)
    config.model.neck.update(in_channels=[8, 16, 32, 64])
    file = save(tmp_path / "coco.pth", MODELS.build(config.model), CLASSES=["x"] * 80)
    fresh = use_weights(config, str(file), RunFolder(tmp_path)).fresh
    assert fresh == ("bbox_head.tood_cls.weight", "bbox_head.tood_cls.bias")


def test_every_level_of_rtmdet_gets_a_class_layer_of_its_own(tmp_path: Path) -> None:
    config = load_config("rtmdet_tiny")
    config.model.backbone.pop("init_cfg")
    file = save(tmp_path / "coco.pth", MODELS.build(config.model), CLASSES=["x"] * 80)
    fresh = use_weights(config, str(file), RunFolder(tmp_path)).fresh
    layers = [f"bbox_head.rtm_cls.{level}" for level in range(3)]
    assert set(fresh) == {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
