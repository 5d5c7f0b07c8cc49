from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.bundle.schema import Size
from serving.inference import decoding
from serving.inference.detector import Detector
from serving.inference.engines import Candidates, EngineError, open_engine
from serving.inference.postprocess import Detections
from serving.inference.preprocess import Prepared
from serving.schemas.options import DetectOptions
from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode, paint
from tests.serving.make_bundle import CLASSES, make_bundle


@pytest.fixture(scope="module")
def detector(bundle_path: Path) -> Detector:
    return Detector.load(bundle_path, threads=1)


def named(found: Detections) -> dict[str, list[float]]:
    return {
        CLASSES[label]: box.tolist() for label, box in zip(found.labels, found.boxes, strict=False)
    }


def test_boxes_are_in_the_original_images_pixels(detector: Detector) -> None:
    [found] = detector.detect([TWO_SQUARES], [DetectOptions(score_threshold=0.95)])
    assert named(found) == TWO_BOXES
    assert found.scores.tolist() == pytest.approx([1, 1])
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (
        np.float32,
        np.float32,
        np.int64,
    )


def test_the_bundles_threshold_holds_when_none_is_given(detector: Detector) -> None:
    faint = paint(320, 256)
    faint[64:96, 64:96] = (168, 88, 88)  # a dominance of 80 / 255
    assert len(detector.detect([faint])[0]) == 0
    assert len(detector.detect([faint], [DetectOptions(score_threshold=0.3)])[0]) == 1


def test_classes_have_thresholds_of_their_own_unless_a_request_has_one(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "own"))
    spec = {"score_threshold": 0.4, "class_thresholds": {"red": 0.2, "blue": 0.9}}
    manifest = bundle.manifest.model_copy(
        update={"postprocess": bundle.manifest.postprocess.model_copy(update=spec)}
    )
    detector = Detector.load(Bundle.write(bundle.path, manifest).path, threads=1)
    image = paint(320, 256)
    for left, colour in ((32, 0), (128, 1), (224, 2)):
        image[64:96, left : left + 32] = 88
        image[64:96, left : left + 32, colour] = 168  # a dominance of 80 / 255
    [own] = detector.detect([image])
    assert set(named(own)) == {"red"}
    for threshold, expected in ((0.25, {"red", "green", "blue"}), (0.4, set())):
        [found] = detector.detect([image], [DetectOptions(score_threshold=threshold)])
        assert set(named(found)) == expected
    [blue] = detector.detect([image], [DetectOptions(classes=("blue",))])
    assert len(blue) == 0


def test_classes_and_max_detections_limit_the_answer(detector: Detector) -> None:
    blue, one = detector.detect(
        [TWO_SQUARES] * 2, [DetectOptions(classes=("blue",)), DetectOptions(max_detections=1)]
    )
    assert set(blue.labels.tolist()) == {2}
    assert len(one) == 1


def test_a_batch_of_mixed_sizes_equals_one_by_one(detector: Detector) -> None:
    images = [
        paint(640, 512, ("red", 64, 128, 64)),
        paint(300, 400, ("green", 100, 100, 50)),
        paint(640, 512, ("blue", 320, 64, 64)),
        paint(31, 17),
        paint(300, 400),
    ]
    together = detector.detect(images)
    for image, found in zip(images, together, strict=False):
        [alone] = detector.detect([image])
        np.testing.assert_array_equal(found.boxes, alone.boxes)
        np.testing.assert_array_equal(found.scores, alone.scores)
        np.testing.assert_array_equal(found.labels, alone.labels)
    assert [len(found) > 0 for found in together] == [True, True, True, False, False]


def test_boxes_are_clipped_to_the_image(detector: Detector) -> None:
    # 300 × 200 becomes 320 × 213, padded to 224: windows reach 11 pixels below the image.
    image = paint(300, 200, ("red", 0, 170, 30))
    [found] = detector.detect([image], [DetectOptions(score_threshold=0.1)])
    assert len(found) > 0
    assert found.boxes[:, 3].max() == pytest.approx(200)
    assert found.boxes.min() >= 0


def test_size_buckets_hold_landscape_and_portrait(tmp_path: Path) -> None:
    sizes = (Size(width=320, height=256), Size(width=256, height=320))
    detector = Detector.load(make_bundle(tmp_path / "b", sizes=sizes), threads=1)
    portrait = paint(512, 640, ("red", 128, 64, 64))
    landscape, upright = detector.detect(
        [TWO_SQUARES, portrait], [DetectOptions(score_threshold=0.95)] * 2
    )
    assert named(landscape) == TWO_BOXES
    assert named(upright) == {"red": [128, 64, 192, 128]}


def test_an_image_no_bucket_holds_is_scaled_down(tmp_path: Path) -> None:
    sizes = (Size(width=160, height=128),)
    detector = Detector.load(make_bundle(tmp_path / "b", sizes=sizes), threads=1)
    image = paint(640, 512, ("red", 128, 256, 128))  # four times smaller, 32 pixels wide
    [found] = detector.detect([image], [DetectOptions(score_threshold=0.95)])
    assert named(found) == {"red": [128, 256, 256, 384]}


class Recorder:
    """An engine that remembers the shapes it ran."""

    concurrent_runs = 1

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        self.shapes.append(batch.shape)
        count = len(batch)
        return (
            np.zeros((count, 1, 4), np.float32),
            np.zeros((count, 1), np.float32),
            np.zeros((count, 1), np.int64),
        )

    def check(self) -> None:
        pass


def test_a_batch_is_bounded_by_its_pixels(bundle_path: Path) -> None:
    engine = Recorder()
    limit = 2 * 320 * 256
    detector = Detector(Bundle.open(bundle_path), engine, max_batch_pixels=limit)
    detector.detect([TWO_SQUARES] * 5)
    assert [shape[0] for shape in engine.shapes] == [2, 2, 1]
    alone = Detector(Bundle.open(bundle_path), engine, max_batch_pixels=1)
    engine.shapes.clear()
    alone.detect([TWO_SQUARES] * 2)
    assert [shape[0] for shape in engine.shapes] == [1, 1]


def test_warming_takes_a_usual_size(bundle_path: Path) -> None:
    bundle = Bundle.open(bundle_path)
    large = bundle.manifest.input.model_copy(update={"resize": Size(width=2560, height=2560)})
    engine = Recorder()
    manifest = bundle.manifest.model_copy(update={"input": large})
    Detector(Bundle(bundle_path, manifest), engine).warm()
    [(_, _, height, width)] = engine.shapes
    assert height * width == 640 * 640


LARGE = paint(2560, 2048, ("red", 256, 512, 256), ("blue", 1280, 1280, 256))
LARGE_BOXES = {"red": [256, 512, 512, 768], "blue": [1280, 1280, 1536, 1536]}


@pytest.mark.parametrize("reduced", [False, True])
def test_a_large_jpegs_boxes_are_right_however_it_is_decoded(
    reduced: bool, bundle_path: Path
) -> None:
    bundle = Bundle.open(bundle_path)
    detector = Detector(bundle, open_engine(bundle, threads=1), reduced_decoding=reduced)
    data = encode(LARGE, "JPEG", quality=95)
    prepared = detector.inputs.prepare(data)
    assert (prepared.original.width, prepared.original.height) == (2560, 2048)
    [found] = detector.detect_prepared([prepared], [DetectOptions(score_threshold=0.95)])
    boxes = named(found)
    assert boxes.keys() == LARGE_BOXES.keys()
    for name, box in LARGE_BOXES.items():
        assert boxes[name] == pytest.approx(box, abs=1)


def decoded(
    data: bytes, path: Path, monkeypatch: pytest.MonkeyPatch, *, reduced: bool
) -> tuple[Prepared, list[NDArray[np.uint8]]]:
    """What a detector reads from an image, and every array of pixels that OpenCV decoded."""
    buffers: list[NDArray[np.uint8]] = []
    decode = cv2.imdecode

    def watched(*arguments: Any) -> Any:
        buffers.append(decode(*arguments))
        return buffers[-1]

    monkeypatch.setattr(cv2, "imdecode", watched)
    detector = Detector(Bundle.open(path), Recorder(), reduced_decoding=reduced)
    return detector.inputs.prepare(data), buffers


@pytest.mark.parametrize(("reduced", "shape"), [(True, (256, 320, 3)), (False, (2048, 2560, 3))])
def test_a_large_jpeg_is_decoded_once_in_the_size_that_is_needed(
    reduced: bool, shape: tuple[int, ...], bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(LARGE, "JPEG")
    prepared, buffers = decoded(data, bundle_path, monkeypatch, reduced=reduced)
    assert [pixels.shape for pixels in buffers] == [shape]
    assert np.shares_memory(prepared.pixels, buffers[0]) is reduced
    if not reduced:
        scaled = cv2.resize(decoding.decode(data, LARGE.size), (320, 256))
        np.testing.assert_array_equal(prepared.pixels, scaled)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_an_image_of_the_inputs_size_is_not_copied(
    format: str, bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(paint(320, 256), format)
    prepared, [pixels] = decoded(data, bundle_path, monkeypatch, reduced=False)
    assert np.shares_memory(prepared.pixels, pixels)


def test_a_class_that_the_bundle_does_not_name_is_the_engines_failure(
    bundle_path: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundle_path, tmp_path / "one.bundle"))
    Bundle.write(folder, Bundle.open(folder).manifest.model_copy(update={"classes": ("red",)}))
    detector = Detector.load(folder, threads=1)
    with pytest.raises(EngineError, match="a class that the bundle does not name"):
        detector.detect([TWO_SQUARES])


@pytest.mark.parametrize(
    ("scores", "labels", "reason"), [([2], [0], "a score beyond 1"), ([1], [0.5], "a class")]
)
def test_a_network_that_gives_nonsense_is_not_loaded(
    bundle_path: Path, scores: list[float], labels: list[float], reason: str
) -> None:
    class Nonsense:
        concurrent_runs = 1

        def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
            boxes = np.zeros((1, 1, 4), np.float32)
            return boxes, np.array([scores], np.float32), np.array([labels])

        def check(self) -> None: ...

    with pytest.raises(EngineError, match=reason):
        Detector(Bundle.open(bundle_path), Nonsense()).warm()
