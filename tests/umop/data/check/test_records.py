"""What is known of images is kept, as long as they and the code stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.umop.data.check.defects import found, train
from tests.umop.data.samples import coco, draw
from umop.data.check import records

pytestmark = pytest.mark.usefixtures("own_cache")


def test_images_are_read_again_only_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = coco(tmp_path / "data")
    found(root)
    read = []
    original = records.read_record
    monkeypatch.setattr(records, "read_record", lambda path: read.append(path) or original(path))
    found(root)
    assert read == []
    draw(train(root), 500)
    found(root)
    assert read == [train(root)]


def test_what_other_code_has_found_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = coco(tmp_path / "data")
    found(root)
    read = []
    original = records.read_record
    monkeypatch.setattr(records, "read_record", lambda path: read.append(path) or original(path))
    monkeypatch.setattr(records, "digest_of_sources", lambda: "that of another version")
    found(root)
    assert len(read) == 22


def test_a_script_without_a_guard_checks_many_images(tmp_path: Path) -> None:
    """No other process starts, which would run the script once more."""
    root = coco(tmp_path / "data", {"train": 60, "val": 20})
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\n"
        "from pathlib import Path\n"
        "from umop.data.check import check\n"
        "from umop.data.recognition import open_data\n"
        f"print(len(check(open_data(Path({str(root)!r}))).cleaned.images))\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "started\n80\n"
