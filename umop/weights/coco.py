"""Detectors that OpenMMLab trained on COCO: ``--weights coco``."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config, ConfigDict

from umop.system.errors import FetchError, UserError
from umop.weights.pretrained import Pretrained, fetched_weights

LICENCE = "Apache-2.0"
"""Of MMDetection, with which the files are published."""
NONE_FITS = "no COCO checkpoint is published that fits this config's model."
_Architecture = tuple[str, str, float]


def _published(path: str) -> Pretrained:
    """A file of MMDetection's model zoo, the start of whose SHA-256 ends its name."""
    digest = path.removesuffix(".pth").rpartition("-")[2]
    return Pretrained(f"https://download.openmmlab.com/mmdetection/{path}", digest)


COCO_CHECKPOINTS: dict[_Architecture, Pretrained] = {
    ("ATSS", "ResNet", 50): _published(
        "v2.0/atss/atss_r50_fpn_1x_coco/atss_r50_fpn_1x_coco_20200209-985f7bd0.pth"
    ),
    ("ATSS", "ResNet", 101): _published(
        "v2.0/atss/atss_r101_fpn_1x_coco/atss_r101_fpn_1x_20200825-dfcadd6f.pth"
    ),
    ("RetinaNet", "ResNet", 50): _published(
        "v2.0/retinanet/retinanet_r50_fpn_mstrain_3x_coco/"
        "retinanet_r50_fpn_mstrain_3x_coco_20210718_220633-88476508.pth"
    ),
    ("PAA", "ResNet", 50): _published(
        "v2.0/paa/paa_r50_fpn_mstrain_3x_coco/"
        "paa_r50_fpn_mstrain_3x_coco_20210121_145722-06a6880b.pth"
    ),
    ("FSAF", "ResNet", 50): _published(
        "v2.0/fsaf/fsaf_r50_fpn_1x_coco/fsaf_r50_fpn_1x_coco-94ccc51f.pth"
    ),
    ("GFL", "ResNet", 50): _published(
        "v2.0/gfl/gfl_r50_fpn_mstrain_2x_coco/"
        "gfl_r50_fpn_mstrain_2x_coco_20200629_213802-37bb1edc.pth"
    ),
    ("VFNet", "ResNet", 50): _published(
        "v2.0/vfnet/vfnet_r50_fpn_mstrain_2x_coco/"
        "vfnet_r50_fpn_mstrain_2x_coco_20201027-7cc75bd2.pth"
    ),
    ("TOOD", "ResNet", 50): _published(
        "v2.0/tood/tood_r50_fpn_mstrain_2x_coco/"
        "tood_r50_fpn_mstrain_2x_coco_20211210_144231-3b23174c.pth"
    ),
    **{
        ("RTMDet", "CSPNeXt", width): _published(
            f"v3.0/rtmdet/rtmdet_{size}_8xb32-300e_coco/rtmdet_{size}_8xb32-300e_coco_{file}.pth"
        )
        for size, width, file in (
            ("tiny", 0.375, "20220902_112414-78e30dcc"),
            ("s", 0.5, "20220905_161602-387a891e"),
            ("m", 0.75, "20220719_112220-229f527c"),
            ("l", 1, "20220719_112030-5a0be7c4"),
            ("x", 1.25, "20220715_230555-cc79b9ae"),
        )
    },
}
"""What is published, by the detector, its backbone, and that one's depth or width.

FCOS is not among them: its files have ResNets of the style caffe, for pixels of another scale.
"""


def is_published_for(config: Config) -> bool:
    """Whether there is a file that was trained with a config's architecture."""
    return _architecture(config.model) in COCO_CHECKPOINTS


def published_for(config: Config) -> Pretrained:
    """The file that was trained with a config's architecture.

    Raises:
        UserError: There is none.
    """
    if not is_published_for(config):
        raise UserError(
            f"--weights coco: {NONE_FITS} Take --weights imagenet, or a checkpoint of your own."
        )
    return COCO_CHECKPOINTS[_architecture(config.model)]


def _architecture(model: ConfigDict) -> _Architecture:
    """A key of :data:`COCO_CHECKPOINTS`."""
    backbone = model.backbone
    size = backbone.get("depth") or backbone.get("widen_factor") or 0
    return model.type, backbone.type, size


def fetch_coco_weights(config: Config) -> Path:
    """Downloads the file that fits a config's model, unless the cache has it, and checks it.

    Raises:
        UserError: There is none, or the file is another one.
        FetchError: The download failed.
    """
    try:
        return fetched_weights(published_for(config))
    except FetchError as error:
        raise FetchError(
            f"{error} On another machine 'umop data weights CONFIG --coco' fetches it, too; "
            "--weights imagenet trains without it."
        ) from error
