"""A bundle's AP is the checkpoint's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest
from mmengine.config import Config

from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.schemas.options import DetectOptions
from tests.umop.export.small_zoo import small_run
from umop.evaluation.evaluate import evaluate
from umop.export import export, is_exported
from umop.export.manifest import evaluation_of, manifest_of
from umop.export.measure import evaluate_run_bundle
from umop.runs.folder import RunFolder
from umop.runs.speed import Speed

pytestmark = pytest.mark.slow

TRUE_BOXES = 10


@pytest.fixture(scope="module")
def run(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An exported run; the best boxes that it finds are made the ground truth of its test data."""
    folder = tmp_path_factory.mktemp("measured")
    data = Path(shutil.copytree(discs, folder / "data"))
    (data / "val" / "notes.txt").write_text("no image, and in no list of images")
    run = small_run(folder / "small", data)
    export(run)
    detector = Detector.load(run.bundle)
    truth = json.loads((data / "val.json").read_text())
    truth["annotations"] = [
        annotation
        for image in truth["images"]
        for annotation in annotate(detector, data / "val" / image["file_name"], image["id"])
    ]
    for place, annotation in enumerate(truth["annotations"], 1):
        annotation["id"] = place
    (data / "val.json").write_text(json.dumps(truth))
    return run


def annotate(detector: Detector, path: Path, image_id: int) -> list[dict[str, object]]:
    image = cv2.imread(str(path))[..., ::-1]
    [found] = detector.detect(
        [image], [DetectOptions(score_threshold=0.0, max_detections=TRUE_BOXES)]
    )
    return [
        {
            "image_id": image_id,
            "category_id": 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
        }
        for x1, y1, x2, y2 in found.boxes.tolist()
    ]


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_a_bundle_measures_like_its_checkpoint(run: RunFolder, engine: str) -> None:
    expected = evaluate(run).metrics
    assert expected["AP"] > 0.5
    assert evaluate_run_bundle(run, None, engine) == pytest.approx(expected, abs=1e-3)


def test_a_manifest_says_only_what_its_checkpoint_scored(run: RunFolder, tmp_path: Path) -> None:
    expected = evaluate(run)
    config = Config.fromfile(run.config)
    assert expected.thresholds is not None
    assert evaluation_of(run, config, run.require_checkpoint()) == expected
    manifest = manifest_of(run, config, run.require_checkpoint(), "1")
    assert manifest.metrics == expected.metrics
    assert manifest.postprocess.score_threshold == expected.thresholds.score
    other = tmp_path / "iter_2.pth"
    other.write_bytes(b"another checkpoint")
    assert evaluation_of(run, config, other) is None
    manifest = manifest_of(run, config, other, "1")
    assert (manifest.metrics, manifest.postprocess.score_threshold) == ({}, 0.3)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_reduced_precision_says_what_it_costs(run: RunFolder, precision: str) -> None:
    expected = evaluate(run).metrics["AP"]
    done = export(run, precision=precision)
    manifest = Bundle.open(run.bundle).manifest
    assert manifest.precision == precision
    assert manifest.ap_loss == done.ap_loss == pytest.approx(expected - manifest.metrics["AP"])
    assert manifest.ap_loss is not None
    assert abs(manifest.ap_loss) < 0.5
    speed = Speed.read(run.speed)
    assert speed is not None
    assert speed.milliseconds > 0
    assert is_exported(run, precision=precision)
    evaluate(run, precision=0.5)
    assert not is_exported(run, precision=precision), "it does not have these thresholds"
    assert ("model.pt2" in manifest.files) == (precision == "fp16")
    assert ("model.pt2" in manifest.absent) == (precision == "int8")
