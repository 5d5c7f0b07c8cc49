"""Several folders as one data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.umop.conftest import Umop
from tests.umop.data.samples import Coco, coco, draw
from umop.data.preparation.custom import OwnData, is_kept_split, read_data, read_from
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")

OWN_WIDTH = 30
"""Of the boxes in the second folder, by which they are known."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return coco(tmp_path / "photos")


@pytest.fixture
def corrected(tmp_path: Path) -> Path:
    """Images of other seeds, with other boxes; its second class is one that photos has not."""
    root = coco(tmp_path / "corrected", {"train": 3, "val": 2}, ["dog", "bird"])
    for number, image in enumerate(sorted(root.rglob("*.png"))):
        draw(image, 100 + number)
    for split in ("train", "val"):
        change(root / f"{split}.json")
    return root


def change(file: Path) -> None:
    """Gives all boxes of a file the second folder's width."""
    content: Coco = json.loads(file.read_text())
    for box in content["annotations"]:
        box["bbox"][2] = OWN_WIDTH
    file.write_text(json.dumps(content))


def names(data: OwnData, split: str) -> list[str]:
    """The images of a split, relative to the folder that both folders are in."""
    return [image["file_name"] for image in data.contents[split]["images"]]


def widths(data: OwnData, split: str, name: str) -> set[float]:
    """Those of an image's boxes."""
    content = data.contents[split]
    [number] = [each["id"] for each in content["images"] if each["file_name"] == name]
    return {each["bbox"][2] for each in content["annotations"] if each["image_id"] == number}


def test_classes_are_joined_by_name_and_splits_are_kept(
    photos: Path, corrected: Path, tmp_path: Path
) -> None:
    data = read_data([photos, corrected], tmp_path / "out")
    assert data.classes == ("cat", "dog", "bird")
    assert data.folders == (photos, corrected)
    assert (len(names(data, "train")), len(names(data, "val"))) == (15, 12)
    assert all((data.root / name).is_file() for name in names(data, "train"))
    content = data.contents["train"]
    dog = content["categories"][1]["id"]
    of_dogs = {each["bbox"][2] for each in content["annotations"] if each["category_id"] == dog}
    assert of_dogs == {18, OWN_WIDTH}
    few, _ = data.messages
    assert "fewer than 10 boxes to train on: 1, such as 'bird' has 3" in few, "counted in both"


def test_a_folder_without_a_split_is_split_as_one_alone_is(photos: Path, tmp_path: Path) -> None:
    more = coco(tmp_path / "more", {"all": 10})
    for number, image in enumerate(sorted(more.rglob("*.png"))):
        draw(image, 100 + number)
    alone = read_data(more, tmp_path / "alone")
    both = read_data([photos, more], tmp_path / "both")
    for split in ("train", "val"):
        of_more = [name for name in names(both, split) if name.startswith("more/")]
        assert of_more == [f"more/{name}" for name in names(alone, split)]


@pytest.mark.parametrize("again", ["bytes", "as JPEG, brighter"])
def test_of_an_image_in_two_folders_the_later_ones_boxes_win(
    photos: Path, corrected: Path, tmp_path: Path, again: str
) -> None:
    source, copy = photos / "val" / "val 1.png", corrected / "train" / "train 1.png"
    shutil.copyfile(source, copy)
    if again != "bytes":
        pixels = np.asarray(Image.open(source)).astype(int) + 3
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(copy)
    data = read_data([photos, corrected], tmp_path / "out")
    said = next(each for each in data.messages if each.startswith("note: image"))
    assert "photos/val/val 1.png" not in names(data, "val")
    assert "corrected/train/train 1.png" not in names(data, "train"), "photos says: validation"
    assert widths(data, "val", "corrected/train/train 1.png") == {OWN_WIDTH}
    assert said == (
        "note: image that a later folder has too: 1, the later folder's boxes are taken, the "
        "first's split, such as photos/val/val 1.png: corrected/train/train 1.png"
    )


def test_the_last_of_three_folders_wins(photos: Path, tmp_path: Path) -> None:
    roots = [photos]
    for number in (1, 2):
        root = shutil.copytree(photos, tmp_path / f"copy{number}")
        roots.append(root)
    change(roots[2] / "train.json")
    data = read_data(roots, tmp_path / "out")
    assert len(names(data, "train")) == 12
    assert {name.partition("/")[0] for name in names(data, "train")} == {"copy2"}


def test_no_image_is_trained_on_that_looks_like_one_of_validation(
    photos: Path, corrected: Path, tmp_path: Path
) -> None:
    source = np.asarray(Image.open(photos / "val" / "val 1.png")).astype(int)
    for number in (1, 2):
        pixels = (source + number).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(corrected / "train" / f"train {number}.png")
    data = read_data([photos, corrected], tmp_path / "out")
    alike = {"photos/val/val 1.png", *(f"corrected/train/train {n}.png" for n in (1, 2))}
    assert not alike & set(names(data, "train"))
    assert len(alike & set(names(data, "val"))) == 2


def test_a_folder_of_background_alone_joins_one_with_boxes(photos: Path, tmp_path: Path) -> None:
    empty = coco(tmp_path / "empty", {"train": 2}, ["cat"])
    for number, image in enumerate(sorted(empty.rglob("*.png"))):
        draw(image, 100 + number)
    content = json.loads((empty / "train.json").read_text())
    (empty / "train.json").write_text(json.dumps({**content, "annotations": []}))
    data = read_data([photos, empty], tmp_path / "out")
    assert sum(name.startswith("empty/") for split in data.splits for name in names(data, split))


def test_an_error_says_in_which_folder_it_is(photos: Path, corrected: Path, tmp_path: Path) -> None:
    (corrected / "train" / "train 1.png").unlink()
    with pytest.raises(UserError) as raised:
        read_data([photos, corrected], tmp_path / "out")
    lines = str(raised.value).splitlines()
    assert lines[0] == f"{photos} {corrected} has 1 error:"
    assert "corrected: train.json lists train/train 1.png" in lines[1]


def test_a_folder_that_is_given_twice_is_a_mistake(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"photos/\.\./photos is given twice"):
        read_data([photos, photos / ".." / "photos"], tmp_path / "out")


def test_a_run_keeps_to_all_its_folders(photos: Path, corrected: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    read_data([photos, corrected], out).write_annotations()
    assert read_from(out) == (photos, corrected)
    assert read_data([photos, corrected], out).contents == {}, "nothing is written again"
    assert read_data([corrected, photos], out).contents, "the later folder's boxes win"
    content = json.loads((corrected / "train.json").read_text())
    content["annotations"].pop()
    (corrected / "train.json").write_text(json.dumps(content))
    [message] = read_data([photos, corrected], out).messages
    assert f"{photos} or {corrected} has changed since this run was started" in message


def test_what_a_run_has_split_is_measured_on_its_part(photos: Path, tmp_path: Path) -> None:
    more, out = coco(tmp_path / "more", {"all": 10}), tmp_path / "out"
    read_data([photos, more], out).write_annotations()
    assert is_kept_split(out, more)


def test_the_check_takes_several_folders(
    umop: Umop, photos: Path, corrected: Path, tmp_path: Path
) -> None:
    shutil.copyfile(photos / "val" / "val 1.png", corrected / "train" / "train 1.png")
    code, out, err = umop("data", "check", str(photos), str(corrected), "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["pictures"], found["classes"]) == (27, ["cat", "dog", "bird"])
    assert found["findings"][0]["rule"] == "folder-again"
    fixed = tmp_path / "fixed"
    code, _, err = umop("data", "check", str(photos), str(corrected), "--fix", str(fixed))
    assert code == 0, err
    assert len(json.loads((fixed / "train.json").read_text())["images"]) == 14
