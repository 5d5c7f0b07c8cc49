"""Runs of small detectors with random weights: each family of backbones, each kind of head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from mmdet.models.backbones import Res2Net, ResNet, ResNeXt
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from torch.nn import Conv2d

from umop.config.load import load_config
from umop.runs.folder import RunFolder


@MODELS.register_module()
class SmallResNet(ResNet):
    """A ResNet with one block in each stage."""

    arch_settings: ClassVar = {14: (ResNet.arch_settings[50][0], (1, 1, 1, 1))}


@MODELS.register_module()
class SmallResNeXt(ResNeXt):
    """A ResNeXt with one block in each stage."""

    arch_settings: ClassVar = {14: (ResNeXt.arch_settings[50][0], (1, 1, 1, 1))}


@MODELS.register_module()
class SmallRes2Net(Res2Net):
    """A Res2Net with two blocks in each stage: the first one splits otherwise than the others."""

    arch_settings: ClassVar = {14: (Res2Net.arch_settings[50][0], (2, 2, 2, 2))}


DCN = {"type": "DCNv2", "deform_groups": 1, "fallback_on_stride": False}
STAGES = {"depth": 14, "num_stages": 4, "out_indices": (1, 2, 3), "norm_cfg": {"type": "BN"}}
BACKBONES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "resnet": ({"type": "SmallResNet", "base_channels": 8, **STAGES}, [64, 128, 256]),
    "dcn": (
        {
            "type": "SmallResNet",
            "base_channels": 8,
            "dcn": DCN,
            "stage_with_dcn": (False, True, True, True),
            **STAGES,
        },
        [64, 128, 256],
    ),
    "resnext": (
        {
            "type": "SmallResNeXt",
            "groups": 4,
            "base_width": 4,
            "dcn": DCN,
            "stage_with_dcn": (False, False, True, True),
            **STAGES,
        },
        [512, 1024, 2048],
    ),
    "res2net": (
        {"type": "SmallRes2Net", "scales": 4, "base_width": 6, **STAGES},
        [512, 1024, 2048],
    ),
    "swin": (
        {
            "type": "SwinTransformer",
            "embed_dims": 16,
            "depths": (1, 2, 1, 1),
            "num_heads": (1, 1, 2, 2),
            "window_size": 7,
            "out_indices": (1, 2, 3),
        },
        [32, 64, 128],
    ),
}


HEADS = tuple(f"plugin/{name}" for name in ("gfl", "fcos", "fsaf", "vfnet", "retinanet"))
DETECTORS = ("rtmdet_tiny",)
_MOVES_BOXES = ("_reg", "_reg_refine", "reg_offset_module")
"""Layers of a head from which the places of its boxes follow."""


def small_run(
    folder: Path,
    data: Path,
    *,
    family: str | None = None,
    head: str | None = None,
    detector: str | None = None,
) -> RunFolder:
    """Makes a run as training leaves it, of a network with random but lively weights.

    Args:
        folder: The run's folder, which is made.
        data: A data set in the demo's layout.
        family: A key of ``BACKBONES``; the demo's own backbone if None.
        head: A config whose head it has; the demo's own if None.
        detector: A config of RTMDet that it is in all, made narrow; then the others are None.
    """
    config = load_config("demo")
    if family:
        backbone, channels = BACKBONES[family]
        config.model.backbone = ConfigDict(backbone)
        config.model.neck.in_channels = channels
    config.model.backbone.pop("pretrained", None)
    if detector:
        config.model = narrow_rtmdet(load_config(detector))
    elif head:
        take_head(config, load_config(head))
    if not detector and head in (None, "tood_r50"):
        config.model.neck.num_outs = 3
        config.model.bbox_head.anchor_generator.strides = [8, 16, 32]
    config.model.bbox_head.stacked_convs = 2 if head == "tood_r50" else 1
    config.model.test_cfg.score_thr = 0.05
    for split in ("train", "val", "test"):
        config[f"{split}_dataloader"].dataset.data_root = str(data)
        if split != "train":
            config[f"{split}_evaluator"].ann_file = str(data / "val.json")
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    config.dump(run.config)
    checkpoint = folder / "iter_1.pth"
    weights = lively(config).state_dict()
    torch.save({"state_dict": weights, "meta": {"dataset_meta": {"classes": ["tree"]}}}, checkpoint)
    (folder / "last_checkpoint").write_text(str(checkpoint))
    return run


def narrow_rtmdet(config: Config) -> ConfigDict:
    """RTMDet with few channels, for one class."""
    model: ConfigDict = config.model
    model.backbone.update(widen_factor=0.125, deepen_factor=0.167, init_cfg=None)
    model.neck.update(in_channels=[32, 64, 128], out_channels=32, num_csp_blocks=1)
    model.bbox_head.update(num_classes=1, in_channels=32, feat_channels=32)
    return model


def take_head(config: Config, other: Config) -> None:
    """Replaces a config's head by another's, as narrow as its own."""
    sizes = ("num_classes", "in_channels", "feat_channels")
    narrow = {key: config.model.bbox_head[key] for key in sizes}
    config.model.type = other.model.type
    config.model.train_cfg = other.model.train_cfg
    config.model.bbox_head = ConfigDict({**other.model.bbox_head, **narrow})


def lively(config: Config) -> Any:
    """A detector whose offsets, position biases and scores are not all the same."""
    torch.manual_seed(0)
    detector = MODELS.build(config.model)
    detector.init_weights()
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if "conv_offset" in name or "position_bias" in name:
                weight.normal_(std=0.5)
        for name, layer in detector.bbox_head.named_modules():
            kind = name.rstrip(".0123456789")  # RTMDet has a layer for each level
            if isinstance(layer, Conv2d) and kind.endswith(("_cls", "cls_prob_module")):
                torch.nn.init.normal_(layer.weight, std=0.1)
                torch.nn.init.zeros_(layer.bias)
            elif isinstance(layer, Conv2d) and kind.endswith(_MOVES_BOXES):
                torch.nn.init.normal_(layer.weight, std=0.02)
    return detector
