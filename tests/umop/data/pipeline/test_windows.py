"""Windows of large images to train on, and all of them to evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS, TRANSFORMS

from serving.bundle.schema import Size, TileSpec
from umop.data.coco import LabelledImage, write_coco
from umop.data.pipeline.tiles import count_shown, windows_showing
from umop.engine.randomness import sample_drawn

TILES = {"window": 64, "overlap": 16}
SIDE = 20
BOXES = np.array(
    [[30, 30, 50, 50], [100, 140, 120, 160], [104, 144, 124, 164], [180, 20, 200, 40]], np.float64
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one image of 208 × 304 pixels with four bright squares, and a small one."""
    root = tmp_path_factory.mktemp("scene")
    large = np.zeros((304, 208, 3), np.uint8)
    for left, top, right, bottom in BOXES.astype(int):
        large[top:bottom, left:right] = 255
    small = np.full((40, 30, 3), 9, np.uint8)
    for name, pixels in (("large", large), ("small", small)):
        cv2.imwrite(str(root / f"{name}.png"), pixels)
    labels = np.arange(len(BOXES)) % 2
    images = [
        LabelledImage("large.png", 208, 304, BOXES, labels),
        LabelledImage("small.png", 30, 40, np.zeros((0, 4)), np.zeros(0, np.int64)),
    ]
    write_coco(root / "train.json", images, ["a", "b"])
    return root


def dataset(root: Path, **more: Any) -> Any:
    return DATASETS.build(
        {
            "type": "TiledDataset",
            **TILES,
            "ann_file": str(root / "train.json"),
            "data_prefix": {"img": str(root)},
            "metainfo": {"classes": ("a", "b")},
            "filter_cfg": {"filter_empty_gt": False, "min_size": 0},
            "pipeline": [
                {"type": "LoadImage"},
                {"type": "LoadAnnotations", "with_bbox": True},
                {"type": "RandomWindow", **TILES},
            ],
            **more,
        }
    )


def test_an_image_counts_as_often_as_its_windows_show_boxes(scene: Path) -> None:
    size, spec = Size(width=208, height=304), TileSpec(**TILES)
    by_window = windows_showing(size, BOXES, spec)
    assert by_window.shape == (24, 4)
    assert by_window.any(axis=0).all()
    populated = int(by_window.any(axis=1).sum())
    assert 4 < populated < 24
    assert count_shown(size, np.zeros((0, 4)), spec) == 1
    tiled = dataset(scene)
    assert len(tiled) == populated + 1
    names = [Path(tiled.get_data_info(index)["img_path"]).name for index in range(len(tiled))]
    assert names == ["large.png"] * populated + ["small.png"]
    assert len(dataset(scene, lazy_init=True)) == populated + 1


def test_windows_show_their_boxes_and_few_are_empty(scene: Path) -> None:
    tiled = dataset(scene)
    empty, found = 0, set()
    for number in range(200):
        with sample_drawn(0, number):
            sample = tiled[0]
        assert sample["img"].shape == (64, 64, 3)
        boxes, labels = sample["gt_bboxes"].tensor.numpy(), sample["gt_bboxes_labels"]
        assert len(boxes) == len(labels) == len(sample["gt_ignore_flags"])
        for left, top, right, bottom in boxes.astype(int):
            assert sample["img"][top:bottom, left:right].all()
            assert (right - left) * (bottom - top) >= 0.4 * SIDE**2
        empty += not len(boxes)
        found |= set(labels.tolist())
    assert 2 < empty < 40
    assert found == {0, 1}


def test_a_sample_is_drawn_again_from_its_number(scene: Path) -> None:
    tiled = dataset(scene)
    drawn = []
    for number in (7, 8, 7):
        with sample_drawn(3, number):
            drawn.append(tiled[0]["img"])
    assert np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])


def test_an_image_that_was_read_is_kept_as_long_as_it_fits(scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for keep_bytes, again in ((10**6, True), (1000, False)):
        step = TRANSFORMS.build({"type": "LoadImage", "keep_bytes": keep_bytes})
        path.write_bytes((scene / "large.png").read_bytes())
        first = step({"img_path": str(path)})["img"]
        path.write_bytes((scene / "small.png").read_bytes())
        assert np.array_equal(first, step({"img_path": str(path)})["img"]) is again


def test_a_small_image_is_filled_up_so_that_all_are_scaled_alike(scene: Path) -> None:
    tiled = dataset(scene)
    with sample_drawn(0, 0):
        sample = tiled[len(tiled) - 1]
    assert sample["img_shape"] == (64, 64)
    assert (sample["img"][:40, :30] == 9).all()
    assert (sample["img"][40:] == 127).all()


def test_a_box_larger_than_a_window_fills_it(scene: Path) -> None:
    step = TRANSFORMS.build({"type": "RandomWindow", **TILES})
    for seed in range(20):
        with sample_drawn(seed, 0):
            window = step._drawn(
                Size(width=208, height=304), np.array([[10, 20, 160, 290]], np.float64)
            )
        assert (window.right - window.left, window.bottom - window.top) == (64, 64)
        assert window.left >= 0
        assert window.bottom <= 304


def test_every_window_of_an_image_goes_through_the_rest(scene: Path) -> None:
    rest = [
        {"type": "Resize", "scale_factor": 0.5, "keep_ratio": True},
        {"type": "PackDetInputs", "meta_keys": ("img_id", "ori_shape", "window", "image_shape")},
    ]
    step = TRANSFORMS.build({"type": "EachWindow", **TILES, "transforms": rest})
    pixels = cv2.imread(str(scene / "large.png"))
    done = step({"img": pixels, "img_id": 1, "img_path": "large.png"})
    assert len(done["inputs"]) == len(done["data_samples"]) == 24
    for inputs, sample in zip(done["inputs"], done["data_samples"], strict=True):
        assert tuple(inputs.shape) == (3, 32, 32)
        assert sample.image_shape == (304, 208)
        left, top, right, bottom = sample.window
        assert int(inputs.max()) == int(pixels[top:bottom, left:right].max())
