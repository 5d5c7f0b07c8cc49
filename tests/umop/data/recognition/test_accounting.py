"""What is said of images that are listed again, or whose folders say two splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import coco_json, drawn, texts
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_frames_of_two_tasks_of_cvat_with_one_name_are_refused(tmp_path: Path) -> None:
    drawn(tmp_path / "images", ["frame_000000.png"])
    box = '<box label="cat" xtl="8" ytl="{}" xbr="24" ybr="30"/>'
    frames = (
        f'<image id="{key}" task_id="{key}" name="frame_000000.png">{box.format(6 + key)}</image>'
        for key in range(2)
    )
    write(tmp_path / "annotations.xml", f"<annotations>{''.join(frames)}</annotations>")
    report = check(open_data(tmp_path))
    assert texts(report, "file-claimed-twice") == [
        "images/frame_000000.png: annotations.xml has it under the ids 0 and 1, two images"
    ]
    assert len(report.cleaned.boxes) == 0


def test_an_entry_without_boxes_that_is_there_again_takes_no_boxes_away(tmp_path: Path) -> None:
    """As where two exports were put together, and one was filtered."""
    names = drawn(tmp_path / "images", ["1.jpg", "2.jpg"])
    content = coco_json(names)
    content["images"] += [{**each, "id": each["id"] + 10} for each in content["images"]]
    write(tmp_path / "annotations.json", json.dumps(content))
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert texts(report, "listed-twice") == [
        f"images/{name}: annotations.json, twice" for name in names
    ]
    assert len(report.cleaned.boxes) == 4


def test_a_folder_for_training_in_one_that_is_not_is_noted(tmp_path: Path) -> None:
    for outer in ("test", "train"):
        for inner in ("train", "val"):
            name = f"{outer}/{inner}/{outer}_{inner}"
            drawn(tmp_path, [f"{name}.jpg"])
            write(tmp_path / f"{name}.xml", voc_xml(("cat", (8, 6, 24, 30))))
    report = check(open_data(tmp_path))
    assert [text.partition(":")[0] for text in texts(report, "split-unclear")] == ["test/train"]
    assert report.data.splits() == ("train", "val")
