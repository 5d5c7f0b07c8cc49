"""The split that is made where data has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.umop.data.layouts.writers import CAT, voc_xml, write
from tests.umop.data.samples import draw
from umop.data.check import check
from umop.data.preparation.split import join_similar, with_splits
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_images_of_one_content_stay_together(tmp_path: Path) -> None:
    for i in range(20):
        for twin in ("a", "b"):
            draw(tmp_path / "data" / f"{i}{twin}.png", i)
            write(tmp_path / "data" / f"{i}{twin}.xml", voc_xml(("cat", CAT)))
    report = check(open_data(tmp_path / "data"))
    data = with_splits(report.cleaned, report.records)
    split = {image.path.stem: image.split for image in data.images}
    assert {split[f"{i}a"] == split[f"{i}b"] for i in range(20)} == {True}
    assert set(split.values()) == {"train", "val"}


def test_images_that_look_alike_stay_together(tmp_path: Path) -> None:
    for i in range(20):
        first = draw(tmp_path / "data" / f"{i}a.png", i)
        with Image.open(first) as image:
            image.point(lambda value: min(255, value + 2)).save(first.with_name(f"{i}b.png"))
        for twin in ("a", "b"):
            write(tmp_path / "data" / f"{i}{twin}.xml", voc_xml(("cat", CAT)))
    report = check(open_data(tmp_path / "data"))
    data = with_splits(report.cleaned, report.records)
    split = {image.path.stem: image.split for image in data.images}
    assert {split[f"{i}a"] == split[f"{i}b"] for i in range(20)} == {True}
    assert int(data.in_split("val").sum()) == 8


def test_a_video_that_looks_alike_is_split_all_the_same() -> None:
    """Its frames are joined to a tenth of the images at most."""
    bits = {i: np.zeros(4, np.uint64) for i in range(20)}
    assert [len(group) for group in join_similar([[i] for i in range(20)], bits, 2)] == [2] * 10
