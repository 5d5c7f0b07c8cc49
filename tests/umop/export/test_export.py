"""Every backbone and every head exports to both engines, with any batch and any size of image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.registry import MODELS as REGISTRY

from serving.inference.detector import Detector
from serving.schemas.options import DetectOptions
from tests.umop.conftest import Umop
from tests.umop.export.small_zoo import BACKBONES, DETECTORS, HEADS, small_run
from umop.config.load import load_config
from umop.export import export
from umop.export.program import trace
from umop.system.errors import UserError

pytestmark = pytest.mark.slow

MODELS = [
    *({"family": family, "head": head} for family, head in zip(BACKBONES, HEADS, strict=True)),
    {"family": "resnet", "head": "tood_r50"},
    *({"detector": detector} for detector in DETECTORS),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: "-".join(model.values()))
def test_it_exports_and_batches(model: dict[str, str], discs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path / "small", discs, **model)
    done = export(run)
    assert set(done.differences) == {"onnxruntime", "torch"}
    assert all(difference.detections > 20 for difference in done.differences.values())
    image = cv2.imread(str(discs / "val" / "0.png"))[..., ::-1]
    images = [image, image[::-1], np.tile(image, (1, 2, 1)), image[:70, :40]]
    for engine in done.differences:
        detector = Detector.load(run.bundle, engine=engine, trust_program=True)
        together = detector.detect(images, [DetectOptions(score_threshold=0.05)] * len(images))
        for one, found in zip(images, together, strict=True):
            [alone] = detector.detect([one], [DetectOptions(score_threshold=0.05)])
            assert len(alone) == len(found) > 0
            order, other = alone.scores.argsort(), found.scores.argsort()
            assert np.abs(alone.scores[order] - found.scores[other]).max() < 1e-4


def test_a_head_that_cannot_be_exported(umop: Umop, discs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path / "small", discs, head="plugin/paa")
    code, _, error = umop("export", str(run.folder))
    assert code == 2
    assert "DoublePAAHead cannot be exported" in error
    assert not run.bundle.exists()


def test_a_kind_of_tood_that_cannot_be_exported() -> None:
    model = load_config("tood_r50").model
    del model.backbone.init_cfg
    model.bbox_head.anchor_type = "anchor_based"
    with pytest.raises(UserError, match="anchor_type='anchor_free' only"):
        trace(REGISTRY.build(model).eval())
    model.bbox_head.type = "TOODHead"
    del model.bbox_head.epochs
    with pytest.raises(UserError, match="TOODHead cannot be exported"):
        trace(REGISTRY.build(model).eval())
