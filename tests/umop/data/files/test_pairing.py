"""Annotations go to the images that their makers mean, and to no others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import LINES, coco, drawn, pair, texts
from umop.data.check import check
from umop.data.dataset import Image
from umop.data.files.found import found_by_name
from umop.data.files.pairing import Pairs
from umop.data.files.tree import Files
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")
Result = TypeVar("Result")


def test_a_background_image_takes_no_label_of_another_folder(tmp_path: Path) -> None:
    for i in range(1, 9):
        pair(tmp_path, f"images/dogs/{i}.jpg", f"labels/dogs/{i}.txt", "0 0.5 0.5 0.2 0.2\n")
    for i in range(1, 5):
        pair(tmp_path, f"images/not_dogs/{i}.jpg", None)
    data = open_data(tmp_path)
    assert (len(data.images), len(data.boxes)) == (12, 8)
    assert not any("not_dogs" in str(data.images[i].path) for i in data.boxes.image)


def test_a_label_whose_image_is_gone_goes_to_no_other_folder(tmp_path: Path) -> None:
    pair(tmp_path, "images/dogs/1.jpg", "labels/dogs/1.txt")
    write(tmp_path / "labels/dogs/2.txt", LINES)
    pair(tmp_path, "images/not_dogs/2.jpg", None)
    [text] = texts(check(open_data(tmp_path)), "box-of-no-image")
    assert text.startswith("labels/dogs/2.txt: it is not clear whether it is of images/not_dogs/2")


def test_a_missing_image_does_not_become_another_folders(umop: Umop, tmp_path: Path) -> None:
    names = [f"{folder}/{i:04}.jpg" for folder in "ab" for i in range(6)]
    coco(tmp_path, "instances.json", names)
    drawn(tmp_path / "images", [name for name in names if name not in ("b/0000.jpg", "b/0001.jpg")])
    report = check(open_data(tmp_path))
    assert texts(report, "image-missing") == [
        "instances.json lists b/0000.jpg",
        "instances.json lists b/0001.jpg",
    ]
    assert len(report.cleaned.boxes) == 20
    assert umop("data", "check", str(tmp_path))[0] == 2


def test_a_missing_image_of_voc_is_not_taken_from_another_split(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for i in range(6):
            write(tmp_path / split / f"{i:04}.xml", voc_xml(("cat", (8, 6, 24, 30))))
            if split == "valid" or i > 1:
                pair(tmp_path, f"{split}/{i:04}.jpg", None)
    assert texts(check(open_data(tmp_path)), "image-missing") == [
        "train/0000.xml lists train/0000",
        "train/0001.xml lists train/0001",
    ]


def test_img_beside_labels_belongs_to_them(tmp_path: Path) -> None:
    for split, numbers in (("train", range(10)), ("val", range(6, 14))):
        for i in numbers:
            pair(tmp_path, f"{split}/img/{i:04}.jpg", f"{split}/labels/{i:04}.txt")
    write(tmp_path / "data.yaml", "train: train/img\nval: val/img\nnames: [cat, dog]\n")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert (len(report.data.images), len(report.data.boxes)) == (18, 36)


@pytest.mark.parametrize("kind", ["csv", "coco"])
@pytest.mark.parametrize("other", ["1.jpg", "2.jpg"])
def test_equal_absolute_names_of_two_folders_are_two_images(
    tmp_path: Path, kind: str, other: str
) -> None:
    """Each list means the image in its own folder, or one that is gone."""
    for folder, image in (("a", "1.jpg"), ("b", other)):
        drawn(tmp_path / folder, [image])
        if kind == "coco":
            coco(tmp_path / folder, "list.json", ["/home/u/1.jpg"])
        else:
            rows = "filename,xmin,ymin,xmax,ymax,class\n/home/u/1.jpg,4,5,20,30,cat\n"
            write(tmp_path / folder / "list.csv", rows)
    report = check(open_data(tmp_path))
    assert len(report.data.images) == 2
    assert texts(report, "listed-twice") == []
    missing = (
        []
        if other == "1.jpg"
        else [f"b/list.{'json' if kind == 'coco' else 'csv'} lists /home/u/1.jpg"]
    )
    assert texts(report, "image-missing") == missing


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("annotations/instances_{}2017.json", "{}"),
        ("{}_annotations.json", "images/{}"),
        ("{}.json", "{}_images"),
        ("{}.json", "{}set/images"),
        ("{}_labels.csv", "images/{}"),
    ],
)
def test_equal_names_of_two_splits_are_two_images(tmp_path: Path, file: str, folder: str) -> None:
    """Each split's list means the images of its own folder, wherever it looks for them."""
    names = [f"{i:04}.jpg" for i in range(4)]
    for split, listed in (("train", names), ("val", names[:2])):
        drawn(tmp_path / folder.format(split), listed)
        lines = [f"{name},4,5,20,30,cat\n" for name in listed]
        if file.endswith(".csv"):
            write(tmp_path / file.format(split), "filename,x1,y1,x2,y2,class\n" + "".join(lines))
        else:
            coco(tmp_path, file.format(split), listed)
    data = open_data(tmp_path)
    assert sorted((image.split, data.name(image.path)) for image in data.images) == [
        *(("train", f"{folder.format('train')}/{name}") for name in names),
        *(("val", f"{folder.format('val')}/{name}") for name in names[:2]),
    ]


def test_an_image_that_two_splits_list_is_found_for_both(tmp_path: Path) -> None:
    drawn(tmp_path / "photos", ["1.jpg", "2.jpg"])
    coco(tmp_path, "train.json", ["1.jpg", "2.jpg"])
    coco(tmp_path, "val.json", ["2.jpg"])
    report = check(open_data(tmp_path))
    assert texts(report, "image-missing") == []
    assert texts(report, "split-twice-listed") == ["photos/2.jpg: photos/2.jpg in val"]


def test_names_that_differ_by_case_are_two_images(tmp_path: Path) -> None:
    for name, lines in (("IMG_0.JPG", "0 0.5 0.5 0.2 0.2\n"), ("img_0.jpg", "1 0.5 0.5 0.4 0.4\n")):
        stem = name.partition(".")[0]
        pair(tmp_path, f"images/{name}", f"labels/{stem}.txt", lines)
    pair(tmp_path, "images/IMG_1.JPG", "labels/img_1.txt", "0 0.5 0.5 0.2 0.2\n")
    pair(tmp_path, "images/img_2.jpg", "labels/img_2.txt", "0 0.5 0.5 0.2 0.2\n")
    pair(tmp_path, "images/IMG_2.JPG", None)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    data = open_data(tmp_path)
    names = [data.images[i].path.name for i in data.boxes.image]
    assert dict(zip(names, data.boxes.label.tolist(), strict=True)) == {
        "IMG_0.JPG": 0,
        "img_0.jpg": 1,
        "IMG_1.JPG": 0,
        "img_2.jpg": 0,
    }
    assert data.issues == ()


def test_names_that_differ_by_case_and_suffix_share_their_label(tmp_path: Path) -> None:
    pair(tmp_path, "a.jpg", "a.txt")
    pair(tmp_path, "A.png", None)
    report = check(open_data(tmp_path))
    assert len(report.data.boxes) == 4
    assert len(texts(report, "labels-shared")) == 1


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("frames/vid{}/{}.jpg", "ann/vid{}/{}.txt"),
        ("frames/train/vid{}/{}.jpg", "ann/vid{}/{}.txt"),
        ("frames/vid{}/{}.jpg", "ann/set 7/vid{}/{}.txt"),
        ("frames 1/vid{}/{}.jpg", "ann 2/vid{}/{}.txt"),
    ],
)
def test_frames_named_alike_in_many_folders_take_no_longer_each(image: str, label: str) -> None:
    """Counts the calls of functions, which are the same on every machine."""
    calls = [calls_of_pairing(folders, image, label) for folders in (30, 240)]
    assert calls[1] < 9 * calls[0]


def test_frames_named_alike_that_lie_elsewhere_take_no_longer_each(tmp_path: Path) -> None:
    calls = []
    for folders in (15, 120):
        names = [f"vid{folder}/{frame}.jpg" for folder in range(folders) for frame in range(2)]
        root = tmp_path / str(folders)
        for name in names:
            write(root / "frames" / name, "")
        files = Files(root)
        wanted = [Image(root / name, root / "list.json") for name in names]
        counted, found = counting(partial(found_by_name, files, wanted, ()))
        assert found == {root / name: root / "frames" / name for name in names}
        calls.append(counted)
    assert calls[1] < 10 * calls[0]


def calls_of_pairing(folders: int, image: str, label: str) -> int:
    frames = list(product(range(folders), range(3)))
    images = [image.format(*frame) for frame in frames]
    labels = [label.format(*frame) for frame in frames]
    calls, pairs = counting(lambda: Pairs(images, labels))
    is_one = "frames 1" not in image
    assert pairs.of_image == (dict(zip(images, labels, strict=True)) if is_one else {})
    return calls


def counting(work: Callable[[], Result]) -> tuple[int, Result]:
    """The number of calls of functions that some work takes, and its result."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        result = work()
    finally:
        sys.setprofile(None)
    return calls, result
