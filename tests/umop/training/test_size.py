"""Images are scaled as is asked for, or so that their boxes are large enough to be learned."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mmengine.config import Config

from umop.config.load import load_config
from umop.system.errors import UserError
from umop.training.size import fit_size, require_width


def sized(name: str, side: int) -> Config:
    config = load_config(name)
    fit_size(config, side, 0.0)
    return config


def test_images_are_trained_and_tested_at_the_size() -> None:
    config = sized("small", 640)
    data = config.train_dataloader.dataset
    collage, resize, _, crop = data.pipeline[2:6]
    last_resize, _, last_crop = data.last_pipeline[2:5]
    sizes = [
        collage.img_scale,
        resize.scale,
        crop.crop_size,
        last_resize.scale,
        last_crop.crop_size,
    ]
    assert {tuple(size) for size in sizes} == {(640, 640)}
    assert tuple(config.test_dataloader.dataset.pipeline[1].scale) == (640, 640)
    assert tuple(config.val_dataloader.dataset.pipeline[1].scale) == (640, 640)


def test_the_ratio_of_published_sizes_stays() -> None:
    config = sized("swin_s", 667)
    assert config.train_dataloader.dataset.pipeline[2].scale == [(667, 240), (667, 480)]
    assert tuple(config.test_dataloader.dataset.pipeline[1].scale) == (667, 400)
    assert tuple(config.tta_pipeline[1].transforms[0][0].scale) == (600, 400)


def test_the_demo_has_no_size_to_change() -> None:
    with pytest.raises(UserError, match="at their own size: --size does not suit it"):
        sized("demo", 640)


@pytest.mark.parametrize(
    ("name", "settings", "asked", "box_share", "side", "said"),
    [
        ("small", [], None, 0.2, 416, None),
        ("small", [], None, 0.0, 416, None),
        ("small", [], None, 0.03, 608, "scaled to 608, where half of the boxes have 18 pixels"),
        ("small", [], None, 0.01, 832, "smaller than 8.3 pixels .*832.*--size 1824 .* 4.8 times"),
        ("small", [], 416, 0.03, 416, "smaller than 12 pixels .*416.*--size 608 .* 2.1 times"),
        ("small", [], 640, 0.03, 640, None),
        ("small", ["size=(512, 512)"], None, 0.03, 512, "smaller than 15 pixels"),
        ("small", ["size=(512, 512)"], None, 0.05, 512, None),
        ("medium", [], None, 0.02, 928, "scaled to 928"),
        ("rtmdet_s", [], None, 0.02, 928, "scaled to 928"),
        ("tood_r50", [], None, 0.01, 1824, "scaled to 1824"),
        ("r50", [], None, 0.03, 1333, None),
    ],
)
def test_the_size_follows_the_boxes(
    name: str,
    settings: list[str],
    asked: int | None,
    box_share: float,
    side: int,
    said: str | None,
) -> None:
    config = load_config(name, settings)
    message = fit_size(config, asked, box_share)
    assert max(config.test_dataloader.dataset.pipeline[1].scale) == side
    assert (message is None) == (said is None)
    assert re.search(said or "", message or "")


def test_images_of_which_too_little_is_left_are_refused() -> None:
    small, strips = load_config("small"), [strip(8), strip(7), strip(6)]
    require_width(small, strips[:1])
    with pytest.raises(UserError, match=r"2 images would .*: 7\.png of 416 × 7 pixels, 6\.png"):
        require_width(small, strips)
    require_width(load_config("demo"), strips)


def strip(height: int) -> dict[str, Any]:
    """COCO's entry of an image."""
    return {"file_name": f"{height}.png", "width": 416, "height": height}


def test_images_of_their_own_size_stay_so() -> None:
    assert fit_size(load_config("demo"), None, 0.001) is None


def test_mixed_images_are_scaled_together() -> None:
    config = sized("rtmdet_s", 320)
    data = config.train_dataloader.dataset
    sizes = {
        step.type: next(tuple(step[key]) for key in ("img_scale", "size", "scale") if key in step)
        for step in data.pipeline
        if step.type in ("Mosaic", "OccasionalMixUp", "Pad", "RandomResize")
    }
    assert sizes.pop("RandomResize") == (640, 640)
    assert set(sizes.values()) == {(320, 320)}
    assert tuple(data.last_pipeline[2].scale) == (320, 320)
