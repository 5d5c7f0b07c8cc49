"""One file that an annotation file has under two ids is two images, of which one is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
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
