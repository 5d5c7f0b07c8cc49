"""Every config builds, trains a step and predicts, at a small size."""

from __future__ import annotations

import re
from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from tests.umop.models.samples import batch
from umop.config.files import config_names
from umop.config.load import load_config
from umop.training.precision import use_full

pytestmark = pytest.mark.slow

SIDE = 128
ZOO = Path(mmdet.__file__).parent / ".mim" / "configs"
NAMES = [name for name in config_names() if not re.search("plain_|rtmdet_[smlx]", name)]
"""The other sizes of RTMDet differ in widths, and the plain configs in the loss."""
SIZES = ("tiny", "s", "m", "l", "x")


def small(name: str) -> Config:
    """A config as published, that starts from random weights and needs no GPU."""
    config = load_config(name)
    config.model.backbone.pop("init_cfg", None)
    config.model.backbone.pop("pretrained", None)
    use_full(config)
    return config


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_trains_a_step_and_predicts(name: str) -> None:
    torch.manual_seed(0)
    config = small(name)
    model = MODELS.build(config.model)
    classes = config.model.bbox_head.num_classes
    model.train()
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    before = {key: value.detach().clone() for key, value in model.bbox_head.named_parameters()}
    losses = model.train_step(batch(1, SIDE, classes), optimizer)
    assert losses["loss"].isfinite()
    after = dict(model.bbox_head.named_parameters())
    assert any((after[key] != value).any() for key, value in before.items())

    model.eval()
    [found] = model.test_step(batch(1, SIDE, classes))
    assert found.pred_instances.bboxes.shape[1] == 4
    assert len(found.pred_instances) <= config.model.test_cfg.max_per_img


@pytest.mark.parametrize("size", SIZES)
def test_a_plain_rtmdet_has_another_loss_and_nothing_else(size: str) -> None:
    plain, ours = load_config(f"plain_rtmdet_{size}"), load_config(f"rtmdet_{size}")
    assert plain.model.bbox_head.loss_cls == {
        "type": "QualityFocalLoss",
        "use_sigmoid": True,
        "beta": 2.0,
    }
    plain.model.bbox_head.loss_cls = ours.model.bbox_head.loss_cls
    assert plain.to_dict() == ours.to_dict()


def test_plain_small_has_another_loss_and_nothing_else() -> None:
    plain, ours = load_config("plain_small"), load_config("small")
    assert plain.model.bbox_head.loss_cls.type == "FocalLoss"
    plain.model.bbox_head.loss_cls = ours.model.bbox_head.loss_cls
    assert plain.to_dict() == ours.to_dict()


def test_plain_tood_has_other_losses_and_nothing_else() -> None:
    plain, ours = load_config("plain_tood_r50"), load_config("tood_r50")
    published = Config.fromfile(ZOO / "tood" / "tood_r50_fpn_1x_coco.py").model.bbox_head
    for loss in ("initial_loss_cls", "loss_cls"):
        assert {"loss_weight": 1.0, **plain.model.bbox_head[loss]} == published[loss]
        plain.model.bbox_head[loss] = ours.model.bbox_head[loss]
    assert plain.to_dict() == ours.to_dict()


@pytest.mark.parametrize("loss", ["initial_loss_cls", "loss_cls"])
def test_tood_refuses_a_progressive_loss_of_logits(loss: str) -> None:
    config = small("tood_r50")
    config.model.bbox_head[loss].activated = False
    with pytest.raises(ValueError, match="needs activated=True in TOOD's head"):
        MODELS.build(config.model)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_swin_trains_in_mixed_precision() -> None:
    config = load_config("swin_s")
    config.model.backbone.pop("init_cfg")
    model = MODELS.build(config.model).cuda().train()
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    for _ in range(3):
        losses = model.train_step(batch(1, 256), optimizer)
        assert losses["loss"].isfinite()
