"""Downloads, against a server that breaks off in the middle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.server import Site, serving
from umop.data.public import coco2017
from umop.data.public.coco2017 import fetch_coco
from umop.system.download import ATTEMPTS, download_file
from umop.system.errors import MachineError, UserError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that take no time to speak of."""
    monkeypatch.setattr("umop.system.download._PAUSE", 0.001)


def site(**behaviour: object) -> Site:
    return Site({"/file.zip": CONTENT}, **behaviour)  # type: ignore[arg-type]


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.zip"
    with serving(site()) as server:
        download_file(f"{server.url}/file.zip", path, SHA256[:15])
        download_file(f"{server.url}/file.zip", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.asked == [""], "what is there is not downloaded again"
    assert [file.name for file in path.parent.iterdir()] == ["file.zip"]


def test_it_goes_on_where_the_connection_broke_off(tmp_path: Path) -> None:
    with serving(site(break_after=[100_000, 50_000])) as server:
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_it_goes_on_where_an_earlier_call_stopped(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    with serving(site(break_after=[70_000] + [0] * ATTEMPTS)) as server:
        with pytest.raises(UserError, match="it broke off after 70000 of 300000 bytes"):
            download_file(f"{server.url}/file.zip", path, SHA256)
        assert not path.exists()
        download_file(f"{server.url}/file.zip", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=70000-"


def test_a_full_disk_is_this_machines(tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").symlink_to("/dev/full")
    with serving(site()) as server, pytest.raises(MachineError, match="No space left on device"):
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)


def test_a_server_that_cannot_go_on_starts_again(tmp_path: Path) -> None:
    with serving(site(break_after=[100_000], ranges=False)) as server:
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_server_that_never_comes_further_is_given_up(tmp_path: Path) -> None:
    """It starts again each time, and breaks off at one of two places."""
    lengths = [50_000, 100_000] * 10
    with (
        serving(site(break_after=lengths, ranges=False)) as server,
        pytest.raises(UserError, match="it broke off after"),
    ):
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)
    assert len(server.asked) == 2 + ATTEMPTS


def test_attempts_have_growing_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("umop.system.download._PAUSE", 1)
    monkeypatch.setattr("umop.system.download.time.sleep", pauses.append)
    with serving(site(break_after=[9] + [0] * ATTEMPTS)) as server, pytest.raises(UserError):
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip")
    assert pauses == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("length", ["many", "-1"])
def test_a_length_that_is_no_number_is_not_counted_on(tmp_path: Path, length: str) -> None:
    with serving(site(length=length)) as server:
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_only_checked(tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    with serving(site()) as server:
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", SHA256)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_another_file_is_refused_and_deleted(tmp_path: Path) -> None:
    with (
        serving(site()) as server,
        pytest.raises(UserError, match="its checksum is not md5:0123"),
    ):
        download_file(f"{server.url}/file.zip", tmp_path / "file.zip", "md5:0123")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_not_asked_for_again(tmp_path: Path) -> None:
    with (
        serving(site()) as server,
        pytest.raises(UserError, match=r"HTTP Error 404: Not Found.*put the file at"),
    ):
        download_file(f"{server.url}/other.zip", tmp_path / "other.zip")
    assert len(server.asked) == 1


def test_no_server(tmp_path: Path) -> None:
    with serving(site()) as server:
        gone = server.url
    with pytest.raises(UserError, match="Connection refused"):
        download_file(f"{gone}/file.zip", tmp_path / "file.zip")


def archive(*names: str) -> bytes:
    """A zip file with these members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, json.dumps(name))
    return content.getvalue()


@pytest.fixture
def coco_site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """COCO's three archives, small."""
    files = {
        "/annotations/annotations_trainval2017.zip": archive(
            "annotations/instances_train2017.json", "annotations/instances_val2017.json"
        ),
        "/zips/val2017.zip": archive("val2017/000000000139.jpg"),
        "/zips/train2017.zip": archive("train2017/000000000009.jpg", "train2017/25.jpg"),
    }
    archives = {
        part: (path, f"md5:{hashlib.md5(files[f'/{path}']).hexdigest()}")
        for part, (path, _) in coco2017.COCO_ARCHIVES.items()
    }
    monkeypatch.setattr(coco2017, "COCO_ARCHIVES", archives)
    return Site(files)


def test_coco_is_unpacked_once(coco_site: Site, tmp_path: Path) -> None:
    with serving(coco_site) as server:
        fetch_coco(tmp_path, server.url)
        fetch_coco(tmp_path, server.url)
    assert len(server.asked) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "annotations",
        "train2017",
        "val2017",
    ]
    assert len(list((tmp_path / "train2017").iterdir())) == 2
    assert (tmp_path / "annotations" / "instances_val2017.json").is_file()


def test_coco_goes_on_after_an_interruption(coco_site: Site, tmp_path: Path) -> None:
    (tmp_path / ".val2017" / "val2017").mkdir(parents=True)
    (tmp_path / ".val2017" / "val2017" / "half.jpg").touch()
    coco_site.break_after = [40]
    with serving(coco_site) as server:
        fetch_coco(tmp_path, server.url)
    assert [path.name for path in (tmp_path / "val2017").iterdir()] == ["000000000139.jpg"]


def test_a_broken_archive_is_named(coco_site: Site, tmp_path: Path) -> None:
    path = tmp_path / "annotations_trainval2017.zip"
    path.write_bytes(b"no zip file")
    with (
        serving(coco_site) as server,
        pytest.raises(UserError, match=r"annotations_trainval2017\.zip is broken"),
    ):
        fetch_coco(tmp_path, server.url)


def test_a_file_without_a_checksum_is_begun_again_by_the_next_command(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    with serving(site(break_after=[150_000] + [0] * ATTEMPTS)) as server:
        with pytest.raises(UserError, match="it broke off"):
            download_file(f"{server.url}/file.zip", path)
        server.files["/file.zip"] = bytes(200_000)
        download_file(f"{server.url}/file.zip", path)
    assert path.read_bytes() == bytes(200_000)
