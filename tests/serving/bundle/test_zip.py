"""A bundle in one zip, and zips that lie."""

from __future__ import annotations

import random
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from serving.bundle import Bundle, BundleError
from serving.inference.detector import Detector
from tests.serving.images import TWO_SQUARES
from tests.zips import zip_with_a_name_that_is_no_text


def test_a_zip_serves_like_its_folder(bundle_path: Path, tmp_path: Path) -> None:
    packed = Bundle.open(bundle_path).pack(tmp_path / "squares.bundle.zip")
    folder, archive = Detector.load(bundle_path), Detector.load(packed)
    assert archive.manifest == folder.manifest
    expected, found = folder.detect([TWO_SQUARES]), archive.detect([TWO_SQUARES])
    assert found[0].boxes.tolist() == expected[0].boxes.tolist()


def test_a_file_that_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "x.bundle.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(BundleError, match="neither a folder nor a valid zip"):
        Bundle.open(path)


def test_a_zip_with_a_lying_size(bundle_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(bundle_path / "manifest.json", "manifest.json")
        archive.writestr("model.onnx", b"\0" * 10**6)
    with pytest.raises(BundleError, match=r"model\.onnx has 1000000 bytes"):
        Bundle.open(path)


def test_a_bomb_is_refused_before_it_is_unpacked(bundle_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bundle_path / "manifest.json", "manifest.json")
        archive.writestr("model.onnx", b"\0" * 10**7)
    with pytest.raises(BundleError, match=r"unpacks to \d+ bytes, more than 20 times") as caught:
        Bundle.open(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "extra.py"])
def test_a_zip_with_a_file_that_is_not_listed(bundle_path: Path, tmp_path: Path, name: str) -> None:
    packed = Bundle.open(bundle_path).pack(tmp_path / "x.zip")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(BundleError, match="which its manifest does not list"):
        Bundle.open(packed)


def test_a_zip_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_with_a_name_that_is_no_text())
    with pytest.raises(BundleError, match="neither a folder nor a valid zip"):
        Bundle.open(path)


@pytest.mark.parametrize("part", [0.2, 0.9, 0.999])
def test_a_truncated_zip(bundle_path: Path, tmp_path: Path, part: float) -> None:
    packed = Bundle.open(bundle_path).pack(tmp_path / "x.zip")
    content = packed.read_bytes()
    packed.write_bytes(content[: int(part * len(content))])
    with pytest.raises(BundleError, match="neither a folder nor a valid zip") as caught:
        Bundle.open(packed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_a_bundle_error_whatever_packed_it(
    bundle_path: Path, tmp_path: Path, method: int
) -> None:
    path = tmp_path / "x.bundle.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in bundle_path.iterdir():
            archive.write(file, file.name)
    sound = path.read_bytes()
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(sound)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        with suppress(BundleError):
            Bundle.open(path)


def test_a_zip_that_names_its_folders(bundle_path: Path, tmp_path: Path) -> None:
    packed = Bundle.open(bundle_path).pack(tmp_path / "x.bundle.zip")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("samples/", b"")
    assert Bundle.open(packed).manifest == Bundle.open(bundle_path).manifest
