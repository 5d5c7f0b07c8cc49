"""Zips are unpacked only where they are whole and harmless."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from tests.umop.data.reported import drawn, yolo
from umop.data.files import archive
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def zipped(path: Path, name: str, content: bytes, mode: int = 0o644) -> Path:
    member = ZipInfo(name)
    member.external_attr = mode << 16
    with ZipFile(path, "w", compression=8) as archive:
        archive.writestr(member, content, compress_type=8)
    return path


@pytest.mark.parametrize(
    ("name", "content", "mode", "message"),
    [
        ("../a.png", b"x", 0o644, "leads out of it"),
        ("/a.png", b"x", 0o644, "leads out of it"),
        ("..\\a.png", b"x", 0o644, "leads out of it"),
        ("a.png", b"/etc", stat.S_IFLNK | 0o777, "leads out of it"),
        ("a.png", bytes(2**20), 0o644, "far more than it holds"),
    ],
)
def test_a_hostile_zip_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    mode: int,
    message: str,
) -> None:
    monkeypatch.setattr("serving.zips._ALWAYS_ALLOWED", 2**10)
    with pytest.raises(UserError, match=message):
        open_data(zipped(tmp_path / "data.zip", name, content, mode))
    assert list((tmp_path / "cache").rglob("*.png")) == []


@pytest.mark.parametrize("name", ["data.zip", "data.download"])
def test_a_zip_that_is_cut_off(tmp_path: Path, name: str) -> None:
    whole = zipped(tmp_path / "whole.zip", "a.png", bytes(1000)).read_bytes()
    (tmp_path / name).write_bytes(whole[:-30])
    with pytest.raises(UserError, match="is a damaged zip: its end is missing"):
        open_data(tmp_path / name)


def test_processes_that_unpack_one_zip_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with ZipFile(path, "w") as content:
        for number in range(500):
            content.writestr(f"{number}.txt", b"x" * 1000)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        [folder] = set(pool.map(archive.unpacked, [path] * 4))
    assert len(list(folder.iterdir())) == 500


def test_slashes_of_windows_are_folders(tmp_path: Path) -> None:
    yolo(tmp_path / "data", 2)
    with ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in filter(Path.is_file, (tmp_path / "data").rglob("*")):
            name = "\\".join(("data", *file.relative_to(tmp_path / "data").parts))
            archive.writestr(name, file.read_bytes())
    data = open_data(tmp_path / "data.zip")
    assert (data.layout, len(data.images), len(data.boxes)) == ("YOLO", 2, 4)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ka\u0308fer 1.jpg".encode(), "ka\u0308fer 1.jpg"),
        ("käfer 1.jpg".encode(), "käfer 1.jpg"),
        ("käfer 1.jpg".encode("cp437"), "käfer 1.jpg"),
        ("Ünïted ½.jpg".encode("cp437"), "Ünïted ½.jpg"),
    ],
)
def test_names_without_a_mark_are_utf_8_where_they_can_be(
    tmp_path: Path, written: bytes, read: str
) -> None:
    """Finder writes UTF-8 and does not say so; old programs for DOS write cp437."""
    drawn(tmp_path / "photos", ["1.jpg"])
    with ZipFile(tmp_path / "data.zip", "w") as content:
        content.writestr(ZipInfo("x" * len(written)), (tmp_path / "photos" / "1.jpg").read_bytes())
    packed = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(packed.replace(b"x" * len(written), written))
    [file] = archive.unpacked(tmp_path / "data.zip").iterdir()
    assert file.name == read
