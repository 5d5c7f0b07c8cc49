"""What is known of images is kept, as long as they and the code stay."""

from __future__ import annotations

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
