"""What is odd about the pixels and the files of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import LINES, ORIENTATION, pair, texts, yolo
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize(("orientation", "said"), [(0, False), (9, False), (3, True)])
def test_exif_turns_only_what_it_can(tmp_path: Path, orientation: int, said: bool) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    for i in range(10):
        pair(tmp_path, f"images/{i}.jpg", f"labels/{i}.txt", exif=exif)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    findings = check(open_data(tmp_path)).findings
    assert {each.rule for each in findings} == ({"exif-unclear"} if said else set())


def test_a_link_to_nothing_is_named_alone(tmp_path: Path) -> None:
    yolo(tmp_path, 4)
    (tmp_path / "images" / "link.jpg").symlink_to("nothing.jpg")
    assert texts(check(open_data(tmp_path)), "image-missing") == ["images/link.jpg"]


def deep(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def test_values_of_few_bits_in_16_are_said(tmp_path: Path) -> None:
    spots = np.random.default_rng(0).integers(0, 4081, (4, HEIGHT, WIDTH), np.uint16)
    spots[:, 0, 0] = 4080
    for i, values in enumerate(spots):
        deep(tmp_path / f"images/{i}.png", values)
        write(tmp_path / f"labels/{i}.txt", LINES)
    found = texts(check(open_data(tmp_path)), "image-values")
    assert found[0] == "images/0.png: its values end at 4080, as 12 bits"
    assert len(found) == 4


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_values_of_few_bits_in_colours_are_said(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 1023, (HEIGHT, WIDTH, 3)).astype(np.uint16)
    values[0, 0] = 1023
    yolo(tmp_path, 4)
    cv2.imwrite(str(tmp_path / f"images/img_04{suffix}"), values)
    [text] = texts(check(open_data(tmp_path)), "image-values")
    assert text == f"images/img_04{suffix}: its values end at 1023, as 10 bits"


def test_sixteen_bits_that_are_used_are_not_said(tmp_path: Path) -> None:
    for i in range(4):
        values = np.random.default_rng(i).integers(0, 65535, (HEIGHT, WIDTH), np.uint16)
        deep(tmp_path / f"images/{i}.png", values)
        write(tmp_path / f"labels/{i}.txt", LINES)
    assert texts(check(open_data(tmp_path)), "image-values") == []


def test_floats_from_0_to_1_are_said(tmp_path: Path) -> None:
    for i in range(4):
        deep(tmp_path / f"images/{i}.tif", np.random.default_rng(i).random((48, 64), np.float32))
        write(tmp_path / f"labels/{i}.txt", LINES)
    found = texts(check(open_data(tmp_path)), "image-values")
    assert len(found) == 4
    assert found[0].startswith("images/0.tif: its values are floats up to ")


def test_heic_is_named_as_such(umop: Umop, tmp_path: Path) -> None:
    """By its suffix, or by its content where its suffix says JPEG."""
    yolo(tmp_path)
    (tmp_path / "images/img_00.jpg").rename(tmp_path / "images/img_00.HEIC")
    (tmp_path / "images/img_01.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    code, out, _ = umop("data", "check", str(tmp_path))
    assert code == 2
    assert "images/img_00.HEIC: it is HEIC, which is not read: convert it to JPEG" in out
    assert "images/img_01.jpg: HEIC is not read: convert the image to JPEG" in out


def test_a_jpeg_without_its_end_is_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    path = tmp_path / "images/img_00.jpg"
    path.write_bytes(path.read_bytes().removesuffix(b"\xff\xd9"))
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert texts(report, "image-without-end") == ["images/img_00.jpg: no end marker (FF D9)"]
