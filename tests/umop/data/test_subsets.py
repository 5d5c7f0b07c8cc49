"""Which split an image is in, and what is said of images that no split has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.umop.data.samples import HEIGHT, WIDTH, draw
from umop.data.dataset import DataSet
from umop.data.recognition import open_data

LINES = "0 0.25 0.4 0.2 0.4\n1 0.7 0.5 0.3 0.5\n"
XML = (
    "<annotation><object><name>cat</name><bndbox><xmin>8</xmin><ymin>6</ymin><xmax>24</xmax>"
    "<ymax>30</ymax></bndbox></object></annotation>"
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def labelled(root: Path, names: Iterable[str], labels: str = "labels") -> None:
    """Draws images, and writes a label file for each below another folder."""
    for name in names:
        draw(root / name, sum(map(ord, name)))
        write((root / name.replace("images", labels, 1)).with_suffix(".txt"), LINES)


def splits(data: DataSet) -> dict[str, str | None]:
    return {data.name(image.path): image.split for image in data.images}


def said(data: DataSet, rule: str) -> list[str]:
    return [issue.text for issue in data.issues if issue.rule == rule]


@pytest.mark.parametrize("key", ["Validation", "valid", "VAL"])
@pytest.mark.parametrize(("file", "form"), [("data.yaml", "{}: {}"), ("obj.data", "{} = {}")])
def test_a_subset_may_have_any_name_of_its_split(
    tmp_path: Path, file: str, form: str, key: str
) -> None:
    """As CVAT writes the subsets that a user names, in both of its forms of YOLO."""
    labelled(tmp_path, ["images/train/a.jpg", "images/other/b.jpg"])
    write(tmp_path / "train.txt", "data/images/train/a.jpg\n")
    write(tmp_path / f"{key}.txt", "data/images/other/b.jpg\n")
    names = "[cat, dog]" if file == "data.yaml" else "obj.names"
    write(tmp_path / "obj.names", "cat\ndog\n")
    lines = [("train", "train.txt"), (key, f"{key}.txt"), ("names", names)]
    write(tmp_path / file, "\n".join(form.format(*line) for line in lines))
    data = open_data(tmp_path)
    assert splits(data) == {"images/train/a.jpg": "train", "images/other/b.jpg": "val"}
    assert len(data.boxes) == 4


def test_a_setting_with_the_name_of_a_split_is_no_split(tmp_path: Path) -> None:
    labelled(tmp_path, ["images/train/a.jpg"])
    write(
        tmp_path / "data.yaml", "train: images/train\nvalidation: {every: 5}\nnames: [cat, dog]\n"
    )
    data = open_data(tmp_path)
    assert (splits(data), data.issues) == ({"images/train/a.jpg": "train"}, ())


def test_labels_of_a_folder_that_the_description_does_not_name_are_said(tmp_path: Path) -> None:
    labelled(tmp_path, ["images/train/a.jpg", "images/extra/b.jpg", "images/extra/c.jpg"])
    write(tmp_path / "data.yaml", "train: images/train\nnames: [cat, dog]\n")
    draw(tmp_path / "images" / "extra" / "background.jpg", 7)
    [text] = said(open_data(tmp_path), "images-in-no-list")
    assert text == "data.yaml: 2 images with labels, such as images/extra/b.jpg"


def test_annotations_that_vocs_lists_leave_out_are_said(tmp_path: Path) -> None:
    for seed, name in enumerate("abcd"):
        draw(tmp_path / "JPEGImages" / f"{name}.jpg", seed)
        write(tmp_path / "Annotations" / f"{name}.xml", XML)
    write(tmp_path / "ImageSets" / "Main" / "train.txt", "a\nb\n")
    data = open_data(tmp_path)
    assert len(data.images) == 2
    [text] = said(data, "images-in-no-list")
    assert text == "Annotations/c.xml: one of 2 files that ImageSets/Main does not list"


def test_annotated_images_that_lists_leave_out_are_said(tmp_path: Path) -> None:
    labelled(tmp_path, [f"images/{name}.jpg" for name in "abcd"])
    write(tmp_path / "train.txt", "images/a.jpg\nimages/b.jpg\n")
    write(tmp_path / "val.txt", "images/c.jpg\n")
    data = open_data(tmp_path)
    assert [image.split for image in data.images] == ["train", "train", "val"]
    assert said(data, "images-in-no-list") == ["1 image, such as images/d.jpg"]


def test_lists_of_folds_that_leave_nothing_to_train_on_are_not_used(tmp_path: Path) -> None:
    labelled(tmp_path, ["images/a.jpg", "images/b.jpg"])
    for fold, (trained, validated) in enumerate((("a", "b"), ("b", "a"))):
        write(tmp_path / f"train_{fold}.txt", f"images/{trained}.jpg\n")
        write(tmp_path / f"val_{fold}.txt", f"images/{validated}.jpg\n")
    data = open_data(tmp_path)
    assert splits(data) == {"images/a.jpg": None, "images/b.jpg": None}
    [text] = said(data, "list-unused")
    assert text.endswith("not used, since all images of train are in another list too")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [(("train", "val"), ["train", "val"]), (("test station", "harbour"), [None, None])],
)
def test_one_annotation_file_takes_the_splits_of_the_images_folders(
    tmp_path: Path, folders: tuple[str, str], expected: list[str | None]
) -> None:
    images = [
        {"id": number, "file_name": f"{folder}/{number}.png", "width": WIDTH, "height": HEIGHT}
        for number, folder in enumerate(folders, start=1)
    ]
    for image in images:
        draw(tmp_path / str(image["file_name"]), len(str(image)))
    boxes = [{"image_id": number, "category_id": 1, "bbox": [5, 6, 18, 20]} for number in (1, 2)]
    content = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 1, "name": "cat"}],
    }
    write(tmp_path / "annotations.json", json.dumps(content))
    assert [image.split for image in open_data(tmp_path).images] == expected


def test_what_another_trainer_has_predicted_is_no_data(tmp_path: Path) -> None:
    """As where YOLO was tried in the folder of the images."""
    labelled(tmp_path, ["images/a.jpg"])
    draw(tmp_path / "runs" / "detect" / "predict" / "a.jpg", 1)
    write(tmp_path / "runs" / "detect" / "predict" / "labels" / "a.txt", LINES)
    assert list(splits(open_data(tmp_path))) == ["images/a.jpg"]
