"""Which files a data set has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import LINES, coco, drawn, pair, texts, yolo
from umop.data.check import check
from umop.data.files.tree import Files
from umop.data.recognition import files_of, open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")
_NOBODY = 65534


@contextmanager
def unlisted(folder: Path) -> Iterator[None]:
    """A folder that this process may not list, which root may always."""
    user = os.geteuid()
    folder.chmod(0)
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_refused() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        root = Path(scratch, "data")
        pair(root, "images/a/1.jpg", "labels/a/1.txt")
        pair(root, "images/b/2.jpg", "labels/b/2.txt")
        for folder, read in ((root / "labels" / "b", Files), (root, files_of)):
            with (
                unlisted(folder),
                pytest.raises(UserError, match=f"^{folder} cannot be listed: Permission denied"),
            ):
                read(root)


def test_a_device_is_no_data() -> None:
    with pytest.raises(UserError, match=r"^/dev/null cannot be listed: Not a directory"):
        files_of(Path("/dev/null"))


@pytest.mark.parametrize("folder", ["@eaDir", "lost+found", ".thumbnails", "__MACOSX"])
def test_folders_of_the_system_are_left_out(tmp_path: Path, folder: str) -> None:
    yolo(tmp_path / "data", 2)
    pair(tmp_path, f"data/images/{folder}/preview.jpg", None)
    (tmp_path / folder).mkdir()
    data = open_data(tmp_path)
    assert (data.root, len(data.images)) == (tmp_path / "data", 2)


@pytest.mark.parametrize("link", ["images/latest", "a", "z"])
def test_a_folder_is_found_under_its_own_name_whatever_links_to_it(
    tmp_path: Path, link: str
) -> None:
    for number in range(3):
        pair(tmp_path, f"images/2024/may/{number}.jpg", f"labels/2024/may/{number}.txt")
    (tmp_path / link).symlink_to(tmp_path / "images" / "2024")
    (tmp_path / "images" / "2024" / "around").symlink_to(tmp_path)
    data = open_data(tmp_path)
    assert {data.name(image.path) for image in data.images} == {
        f"images/2024/may/{number}.jpg" for number in range(3)
    }
    assert (len(data.boxes), data.issues) == (6, ())


def test_a_description_may_name_links_to_folders(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        pair(tmp_path, f"{year}/images/{year}.jpg", f"{year}/labels/{year}.txt")
    (tmp_path / "train").symlink_to("2023")
    (tmp_path / "val").symlink_to("2024")
    write(tmp_path / "data.yaml", "train: train/images\nval: val/images\nnames: [cat, dog]\n")
    data = open_data(tmp_path)
    assert {data.name(image.path): image.split for image in data.images} == {
        "2023/images/2023.jpg": "train",
        "2024/images/2024.jpg": "val",
    }
    assert len(data.boxes) == 4


@pytest.mark.parametrize("pool", ["pool", "a/pool"])
@pytest.mark.parametrize("described", [True, False])
def test_the_labels_of_a_link_are_those_of_its_folder(
    tmp_path: Path, pool: str, described: bool
) -> None:
    for number in (1, 2):
        pair(tmp_path, f"{pool}/{number}.jpg", f"labels/train/{number}.txt")
    pair(tmp_path, "images/val/1.jpg", "labels/val/1.txt")
    (tmp_path / "images" / "train").symlink_to(tmp_path / pool)
    if described:
        text = "train: images/train\nval: images/val\nnames: [cat, dog]\n"
        write(tmp_path / "data.yaml", text)
    data = open_data(tmp_path)
    assert {data.name(image.path): image.split for image in data.images} == {
        f"{pool}/1.jpg": "train",
        f"{pool}/2.jpg": "train",
        "images/val/1.jpg": "val",
    }
    assert (len(data.boxes), data.issues) == (6, ())


@pytest.mark.parametrize("written", ["latest/1.jpg", "images/latest/1.jpg"])
def test_an_annotation_may_name_an_image_behind_a_link(tmp_path: Path, written: str) -> None:
    drawn(tmp_path / "images" / "2024", ["1.jpg"])
    (tmp_path / "images" / "latest").symlink_to("2024")
    coco(tmp_path, "annotations.json", [written])
    data = open_data(tmp_path)
    assert [data.name(image.path) for image in data.images] == ["images/2024/1.jpg"]
    assert data.unlisted == ()


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    yolo(tmp_path / "elsewhere", 2)
    (tmp_path / "data").mkdir()
    for name in ("images", "labels"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere" / name)
    data = open_data(tmp_path / "data")
    assert (len(data.images), len(data.boxes)) == (2, 4)


def test_an_annotation_is_no_image_that_another_names(tmp_path: Path) -> None:
    pair(tmp_path, "images/a.jpg", "a.json", "{}")
    files = Files(tmp_path)
    assert files.image("a.json") is None
    assert files.image("a.jpg", ("images",)) == tmp_path / "images" / "a.jpg"


@pytest.mark.parametrize("unread", ["{}.ppm", "{}.heic", "heic/{}.HEIC"])
@pytest.mark.parametrize("kind", ["yolo", "voc", "csv"])
def test_what_an_image_was_converted_from_is_no_other_image(
    tmp_path: Path, kind: str, unread: str
) -> None:
    """Converted images are beside the others, or both are in folders of their formats."""
    folder = "jpg/" if "/" in unread else ""
    for stem in "abc":
        pair(tmp_path, f"{folder}{stem}.jpg", f"{stem}.txt" if kind == "yolo" else None)
        write(tmp_path / unread.format(stem), "another format")
        if kind == "voc":
            write(tmp_path / f"{stem}.xml", voc_xml(("cat", (8, 6, 24, 30))))
    if kind == "csv":
        rows = "".join(f"{stem},4,5,20,30,cat\n" for stem in "abc")
        write(tmp_path / "labels.csv", f"image,x1,y1,x2,y2,label\n{rows}")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    for rule in ("labels-shared", "image-unlisted"):
        assert texts(report, rule) == []
    assert [image.path.name for image in report.cleaned.images] == ["a.jpg", "b.jpg", "c.jpg"]


def test_an_image_in_a_format_that_is_not_read_is_said_where_it_was_not_converted(
    tmp_path: Path,
) -> None:
    pair(tmp_path, "a/1.jpg", "a/1.txt")
    write(tmp_path / "b/1.heic", "another format")
    write(tmp_path / "b/1.txt", LINES)
    [text] = texts(check(open_data(tmp_path)), "image-unreadable")
    assert text.startswith("b/1.heic: it is HEIC")
