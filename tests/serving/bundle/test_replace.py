"""A new bundle takes the old one's place, or the old one stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.bundle.replace import replace_folder


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "manifest.json").write_text(content)
    return path


def test_the_new_folder_takes_the_place(tmp_path: Path) -> None:
    target, draft = folder(tmp_path / "x.bundle", "old"), folder(tmp_path / "draft", "new")
    replace_folder(target, draft, tmp_path / "aside")
    assert (target / "manifest.json").read_text() == "new"
    assert (tmp_path / "aside" / "manifest.json").read_text() == "old"


def test_the_old_folder_is_back_where_that_fails(tmp_path: Path) -> None:
    target = folder(tmp_path / "x.bundle", "old")
    with pytest.raises(OSError, match="missing"):
        replace_folder(target, tmp_path / "missing", tmp_path / "aside")
    assert (target / "manifest.json").read_text() == "old"
