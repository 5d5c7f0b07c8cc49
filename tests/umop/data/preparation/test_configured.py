"""The data that a config names itself is checked at every start, quickly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from tests.umop.conftest import Umop
from tests.umop.data.samples import Coco, draw
from umop.config.load import load_config
from umop.data.check import records
from umop.data.preparation import configured
from umop.data.preparation.configured import check_configured
from umop.data.preparation.location import require_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def config_of(root: Path, **changes: Any) -> Config:
    """A published config whose own data is a folder."""
    config = load_config("r50")
    for split in ("train", "val"):
        dataset = config[f"{split}_dataloader"].dataset
        dataset.update(data_root=str(root), ann_file=f"{split}.json")
        dataset.update(data_prefix={"img": f"{split}/"}, metainfo={"classes": ("cat", "dog")})
        dataset.update(changes)
    config.model.bbox_head.num_classes = 2
    return config


def change(root: Path, edit: Callable[[Coco], object], split: str = "train") -> None:
    path = root / f"{split}.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_sound_data_is_taken_without_decoding(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "decode_whole", None)
    assert check_configured(config_of(root)) == []


def test_the_second_start_reads_nothing_until_a_file_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(root, lambda content: content["annotations"][0].update(bbox=[5, 5, 0, 9]))
    [warning] = check_configured(config_of(root))
    assert warning.startswith("warning: box without area: 1, such as train.json: annotation 1")
    read = []
    original = configured.read_sets
    monkeypatch.setattr(configured, "read_sets", lambda sets: read.append(1) or original(sets))
    assert check_configured(config_of(root)) == [warning]
    assert read == []
    draw(root / "val" / "val 1.png", 1, width=32, height=32)
    with pytest.raises(UserError, match="another size than the annotation says: 1"):
        check_configured(config_of(root))
    assert read == [1]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda content: content["images"][0].update(file_name="x.png"), "lists train/x.png"),
        (lambda content: content["annotations"][0].update(category_id=9), "id 9"),
        (lambda content: content["annotations"].clear(), "train has no box"),
        (lambda content: content.pop("images"), "train.json: not COCO JSON"),
        (lambda content: content["images"][0].update(width=48, height=64), "says 48×64"),
    ],
)
def test_errors_are_refused(root: Path, edit: Callable[[Coco], object], message: str) -> None:
    change(root, edit)
    with pytest.raises(UserError, match=message):
        check_configured(config_of(root))


def test_sizes_that_rarely_differ_are_a_warning(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configured, "TOLERATED", 0.1)
    change(root, lambda content: content["images"][0].update(width=60))
    [warning] = check_configured(config_of(root))
    assert warning.startswith("warning: image of another size")


def test_a_class_that_the_annotations_lack_is_refused(root: Path) -> None:
    config = config_of(root, metainfo={"classes": ("cat", "Dog")})
    with pytest.raises(UserError, match="do not have: Dog; they have cat, dog"):
        check_configured(config)


def test_a_head_of_another_number_of_classes_is_refused(root: Path) -> None:
    config = config_of(root)
    config.model.bbox_head.num_classes = 80
    with pytest.raises(UserError, match="num_classes is 80, and it names 2 classes"):
        check_configured(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "RepeatDataset"}, r"dataset\.type must be CocoDataset, not RepeatDataset"),
        ({"metainfo": None}, r"must say train_dataloader\.dataset\.metainfo\.classes"),
        ({"ann_file": "none.json"}, "none.json does not exist"),
    ],
)
def test_data_that_is_not_described_is_refused(
    root: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        require_data(config_of(root, **changes), "train")


@pytest.mark.parametrize("type", ["MixedCocoDataset", "TiledDataset"])
def test_data_that_is_mixed_or_cut_into_windows_is_read_as_cocos(root: Path, type: str) -> None:
    require_data(config_of(root, type=type), "train")


def test_a_config_that_mixes_images_misses_nothing_but_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="The train data is not there"):
        require_data(load_config("rtmdet_tiny"), "train")


def test_training_does_not_start_on_broken_data(
    umop: Umop, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (root / "train" / "train 1.png").unlink()
    (tmp_path / "mine.py").write_text(
        f"_base_ = 'demo'\n"
        f"data = dict(data_root={str(root)!r}, metainfo=dict(classes=('cat', 'dog')))\n"
        "model = dict(bbox_head=dict(num_classes=2))\n"
        "train_dataloader = dict(dataset=data)\n"
        "val_dataloader = dict(dataset=data)\n"
    )
    code, _, err = umop("train", "mine.py")
    assert code == 2
    assert "image that is listed and not there: 1, such as train.json lists" in err
    assert not (tmp_path / "runs" / "mine").exists()
