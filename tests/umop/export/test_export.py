"""Every family of the zoo exports to both engines, with any batch and any size of picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from serving.detector import Detector, Options
from tests.umop.export.small_zoo import BACKBONES, small_run
from umop.export import export


@pytest.mark.parametrize("family", BACKBONES)
def test_a_family_exports_and_batches(family: str, discs: Path, tmp_path: Path) -> None:
    run = small_run(tmp_path / family, discs, family)
    done = export(run)
    assert set(done.differences) == {"onnxruntime", "torch"}
    assert all(difference.detections > 100 for difference in done.differences.values())
    picture = cv2.imread(str(discs / "val" / "0.png"))[..., ::-1]
    pictures = [picture, picture[::-1], np.tile(picture, (1, 2, 1)), picture[:70, :40]]
    for engine in done.differences:
        detector = Detector.load(run.bundle, engine=engine)
        together = detector.detect(pictures, [Options(0.05)] * len(pictures))
        for one, found in zip(pictures, together, strict=True):
            [alone] = detector.detect([one], [Options(0.05)])
            assert len(alone) == len(found) > 0
            order, other = alone.scores.argsort(), found.scores.argsort()
            assert np.abs(alone.scores[order] - found.scores[other]).max() < 1e-4
