"""Data sets of the user's own, as training and evaluation take them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.samples import Coco, coco, draw
from umop.config.load import load_config
from umop.data.preparation import joining
from umop.data.preparation.custom import is_kept_split, read_data, use_data
from umop.runs.folder import RunFolder
from umop.runs.lock import locked
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def change(path: Path, **entry: object) -> None:
    """Changes the first annotation of a file."""
    content = json.loads(path.read_text())
    content["annotations"][0].update(entry)
    path.write_text(json.dumps(content))


def written(folder: Path, split: str = "train") -> Coco:
    content: Coco = json.loads((folder / f"{split}.json").read_text())
    return content


def test_annotations_are_written_for_coco_tools(root: Path, tmp_path: Path) -> None:
    change(root / "train.json", iscrowd=1, area=7.5)
    data = read_data(root, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing is written before the start is sure"
    data.write_annotations()
    train = written(tmp_path / "out")
    assert train["images"][0]["file_name"] == "train/train 1.png"
    assert (train["annotations"][0]["iscrowd"], train["annotations"][0]["area"]) == (1, 7.5)
    assert train["annotations"][1]["area"] == 18 * 21
    assert data.messages == ()


def test_what_is_left_out_is_said(root: Path, tmp_path: Path) -> None:
    change(root / "train.json", bbox=[5, 5, 0, 9])
    data = read_data(root, tmp_path / "out")
    data.write_annotations()
    assert data.messages[0] == (
        "warning: box without area: 1, left out, such as train.json: annotation 1 "
        "(train/train 1.png): 5, 5, 5, 14"
    )
    assert f"umop data check {root} --html check.html" in data.messages[-1]
    assert len(written(tmp_path / "out")["annotations"]) == 23


def test_errors_are_refused_with_a_line_for_each_kind(root: Path, tmp_path: Path) -> None:
    change(root / "train.json", category_id=9)
    (root / "val" / "val 3.png").unlink()
    with pytest.raises(UserError) as raised:
        read_data(root, tmp_path / "out")
    lines = str(raised.value).splitlines()
    assert lines[0] == f"{root} has 2 errors:"
    assert any("val.json lists val/val 3.png" in line for line in lines)
    assert any("category that is not listed (id 9)" in line for line in lines)
    assert f"umop data check {root} --fix data-fixed" in lines[-1]


def test_a_config_takes_the_data_set(root: Path, tmp_path: Path) -> None:
    config = load_config("r50")
    use_data(config, read_data(root, tmp_path / "out"))
    assert config.model.bbox_head.num_classes == 2
    for split in ("train", "val", "test"):
        assert config[f"{split}_dataloader"].dataset.metainfo.classes == ("cat", "dog")
    assert config.val_evaluator.ann_file == str(tmp_path / "out" / "val.json")
    assert config.train_dataloader.dataset.filter_cfg == {"filter_empty_gt": False, "min_size": 0}


def test_a_run_keeps_its_split_when_images_are_added(tmp_path: Path) -> None:
    root, out = coco(tmp_path / "data", {"all": 20}), tmp_path / "out"
    first = read_data(root, out)
    first.write_annotations()
    assert (len(written(out)["images"]), len(written(out, "val")["images"])) == (16, 4)
    before = written(out), written(out, "val")
    assert read_data(root, out).messages == ()

    content = json.loads((root / "all.json").read_text())
    draw(root / "all" / "new.png", 99)
    content["images"].append({**content["images"][0], "id": 99, "file_name": "new.png"})
    (root / "all.json").write_text(json.dumps(content))
    again = read_data(root, out)
    again.write_annotations()
    assert (written(out), written(out, "val")) == before
    assert "has changed since this run was started" in again.messages[0]
    assert again.classes == first.classes


@pytest.mark.parametrize(
    "changed", [{"bbox": [7, 7, 9, 9]}, {"category_id": 2}, {"iscrowd": 1}, {}]
)
def test_a_run_says_that_labels_have_changed(tmp_path: Path, changed: dict[str, Any]) -> None:
    root, out = coco(tmp_path / "data", {"all": 20}), tmp_path / "out"
    read_data(root, out).write_annotations()
    content = json.loads((root / "all.json").read_text())
    content["annotations"][0] |= changed
    content["annotations"].reverse()
    (root / "all.json").write_text(json.dumps(content))
    messages = read_data(root, out).messages
    assert [("has changed since" in each) for each in messages] == [True] * bool(changed)


@pytest.mark.parametrize("images", [1, 2])
def test_fewer_than_two_images_cannot_be_split(umop: Umop, tmp_path: Path, images: int) -> None:
    root = coco(tmp_path / "data", {"all": images})
    if images == 2:  # of one content
        shutil.copyfile(root / "all" / "all 1.png", root / "all" / "all 2.png")
    with pytest.raises(UserError, match="Training needs two with boxes"):
        read_data(root, tmp_path / "out")
    code, _, err = umop("data", "check", str(root))
    assert code == 2
    assert "Training needs two with boxes" in err


def test_data_for_validation_alone_is_sound_but_not_trained_on(umop: Umop, tmp_path: Path) -> None:
    root = coco(tmp_path / "data", {"val": 4})
    with pytest.raises(UserError, match="no box for train: its lists or folders name val only"):
        read_data(root, tmp_path / "out")
    code, _, err = umop("data", "check", str(root))
    assert code == 0
    assert "It has no images for training, only for val" in err


def test_the_second_start_reads_no_annotation(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(root / "train.json", bbox=[5, 5, 0, 9])
    first = read_data(root, tmp_path / "first")
    first.write_annotations()
    monkeypatch.setattr(joining, "read_files", None)
    assert read_data(root, tmp_path / "first").contents == {}, "the run has its annotations"
    second = read_data(root, tmp_path / "second")
    assert (second.contents, second.messages) == (first.contents, first.messages)
    monkeypatch.undo()
    change(root / "train.json", bbox=[5, 5, 9, 9])
    third = read_data(root, tmp_path / "third")
    assert third.messages == ()


def test_images_from_elsewhere_are_looked_at_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "another cache"))
    elsewhere = draw(tmp_path / "elsewhere" / "far.png", 99)
    content = written(root)
    content["images"][0]["file_name"] = str(elsewhere)
    (root / "train.json").write_text(json.dumps(content))
    read_data(root, tmp_path / "out").write_annotations()
    elsewhere.unlink()
    with pytest.raises(UserError, match=r"far\.png"):
        read_data(root, tmp_path / "second")


def test_a_run_in_the_folder_of_its_images_is_no_data(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    run = Path("runs/here")
    for _ in range(2):
        with locked(RunFolder(run)):
            data = read_data(Path(), run / "annotations")
            data.write_annotations()
    assert len(written(run / "annotations")["images"]) == 12
    assert data.messages == ()


def test_other_data_without_lists_is_measured_whole(tmp_path: Path) -> None:
    root, out = coco(tmp_path / "data", {"all": 20}), tmp_path / "out"
    data = read_data(root, out, ["val"], ["dog", "cat"])
    data.write_annotations()
    assert len(written(out, "val")["images"]) == 20
    names = [(each["id"], each["name"]) for each in written(out, "val")["categories"]]
    assert names == [(2, "dog"), (1, "cat")]  # the model's order, the data's ids
    assert dict(names)[written(out, "val")["annotations"][0]["category_id"]] == "cat"


def test_a_runs_own_data_is_measured_on_its_own_split(tmp_path: Path) -> None:
    root, out = coco(tmp_path / "data", {"all": 20}), tmp_path / "out"
    assert not is_kept_split(out, root)
    read_data(root, out).write_annotations()
    assert is_kept_split(out, root)
    assert is_kept_split(out, root.parent / "data" / ".." / "data")
    assert not is_kept_split(out, coco(tmp_path / "other", {"all": 20}))


def test_other_classes_than_the_models_are_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Only on one side: dog, tree\."):
        read_data(root, tmp_path / "out", ["val"], ["cat", "tree"])
