"""Which file describes a YOLO data set, and where the folders are that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import counts, pair, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

SPLITS = "train: images/train\nval: images/val\n"
NAMES = "names: [cat, dog]\n"
OTHERS = "names: [dog, cat]\n"


def checked(root: Path, images: str = "images", **files: str) -> Report:
    """An image for each split, and other files by their names."""
    for split in ("train", "val"):
        pair(root, f"{images}/{split}/{split}.jpg", f"labels/{split}/{split}.txt")
    for name, text in files.items():
        write(root / name, text)
    return check(open_data(root))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", SPLITS + OTHERS),
        ("classes.yaml", OTHERS),
        ("coco128.yaml", "path: ../coco128\ntrain: images/train2017\nnames: {0: person}\n"),
    ],
)
def test_a_stray_description_is_not_taken_for_the_datas(
    tmp_path: Path, name: str, text: str
) -> None:
    report = checked(tmp_path, **{"data.yaml": SPLITS + NAMES, name: text})
    assert (report.data.classes, counts(report.data)) == (("cat", "dog"), {"train": 1, "val": 1})
    assert texts(report, "list-unused") == [f"{name}: not used, since data.yaml describes the data"]
    assert report.of("error") == ()


def test_a_description_whose_images_are_here_goes_before_the_usual_name(tmp_path: Path) -> None:
    elsewhere = "train: ../gone/train\nval: ../gone/val\n" + OTHERS
    report = checked(tmp_path, **{"data.yaml": elsewhere, "mine.yaml": SPLITS + NAMES})
    assert (report.data.classes, counts(report.data)) == (("cat", "dog"), {"train": 1, "val": 1})


def test_a_description_all_of_whose_splits_are_here_goes_before_the_usual_name(
    tmp_path: Path,
) -> None:
    part = "train: images/train\nval: images/valid\n" + OTHERS
    report = checked(tmp_path, **{"data.yaml": part, "local.yaml": SPLITS + NAMES})
    assert (report.data.classes, counts(report.data)) == (("cat", "dog"), {"train": 1, "val": 1})


def test_a_number_that_is_twice_elsewhere_than_in_the_names_is_left_alone(tmp_path: Path) -> None:
    report = checked(tmp_path, **{"data.yaml": f"{SPLITS}{NAMES}roboflow: {{1: x, 1: y}}\n"})
    assert (report.data.classes, report.of("error")) == (("cat", "dog"), ())


def test_names_of_a_model_do_not_contradict(tmp_path: Path) -> None:
    report = checked(tmp_path, **{"classes.yaml": NAMES, "yolov8.yaml": "nc: 80\n" + OTHERS})
    assert (report.data.classes, report.of("error")) == (("cat", "dog"), ())


def test_two_descriptions_of_the_same_images_must_name_the_same_classes(tmp_path: Path) -> None:
    by_number = "names: {0: cat, 1: dog}\nnc: 2\n"
    files = {"a.yaml": SPLITS + NAMES, "b.yaml": SPLITS + by_number, "c.yaml": SPLITS + OTHERS}
    report = checked(tmp_path, **files)
    assert texts(report, "annotations-unreadable") == [
        "c.yaml: it names other classes than a.yaml for the same images: keep one of them"
    ]
    assert texts(report, "list-unused") == ["b.yaml: not used, since a.yaml describes the data"]


@pytest.mark.parametrize(
    ("listed", "rule", "text"),
    [
        ("dog\ncat\n", "annotations-unreadable", "'dog' has another number in data.yaml: keep one"),
        ("cow\nhen\n", "list-unused", "not used, since data.yaml names other classes"),
        ("cat\ndog\n", "", ""),
    ],
)
def test_a_list_of_classes_beside_a_description_is_compared(
    tmp_path: Path, listed: str, rule: str, text: str
) -> None:
    files = {"data.yaml": SPLITS + NAMES, "labels/classes.txt": listed}
    report = checked(tmp_path, **files)
    found = {each.rule: each.text for each in report.findings}
    assert (rule in found) == bool(rule)
    assert found.get(rule, "labels/classes.txt: ").startswith(f"labels/classes.txt: {text}")


@pytest.mark.parametrize(
    ("name", "text", "images"),
    [
        ("cfg/data.yaml", "train: ../images/train\nval: ../images/val\n", "images"),
        ("data.yaml", SPLITS, "Images"),
        ("cfg/data.yaml", "train: ../images/train\nval: ../images/val\n", "Images"),
    ],
)
def test_folders_above_the_description_or_of_other_case_are_found(
    tmp_path: Path, name: str, text: str, images: str
) -> None:
    report = checked(tmp_path, images, **{name: text + NAMES})
    assert (counts(report.data), len(report.data.boxes)) == ({"train": 1, "val": 1}, 4)
    assert report.of("error") == ()


def test_folders_outside_of_the_data_are_not_taken(tmp_path: Path) -> None:
    """Exporters write ``../train/images`` of the folder beside the description."""
    pair(tmp_path, "train/images/other.jpg", "train/labels/other.txt")
    for split in ("train", "val"):
        pair(tmp_path, f"set/{split}/images/{split}.jpg", f"set/{split}/labels/{split}.txt")
    text = "train: ../train/images\nval: ../val/images\n"
    write(tmp_path / "set/data.yaml", text + NAMES)
    data = open_data(tmp_path / "set")
    assert [image.path.name for image in data.images] == ["train.jpg", "val.jpg"]


def test_the_character_that_yaml_may_not_have_is_named(tmp_path: Path) -> None:
    report = checked(tmp_path, **{"data.yaml": f"{SPLITS}names:\n\t- cat\n"})
    assert texts(report, "annotations-unreadable") == [
        "data.yaml: not plain YAML: line 4: found character '\\t' that cannot start any token"
    ]


@pytest.mark.parametrize(
    ("listed", "said", "missing"),
    [
        ("a.jpg\nb.jpg\n", ["data.yaml: tests.txt lists images of which none is there"], 0),
        ("a.jpg\nimages/more.jpg\n", [], 1),
    ],
)
def test_a_list_for_testing_without_its_images_is_left_out(
    tmp_path: Path, listed: str, said: list[str], missing: int
) -> None:
    """As beside COCO, whose images for testing are large and optional."""
    pair(tmp_path, "images/more.jpg", "labels/more.txt")
    text = f"{SPLITS}test: tests.txt\n{NAMES}"
    report = checked(tmp_path, **{"data.yaml": text, "tests.txt": listed})
    assert texts(report, "list-unused") == said
    assert len(texts(report, "image-missing")) == missing
