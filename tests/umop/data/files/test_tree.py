"""Which files a data set has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.umop.data.reported import pair, yolo
from umop.data.files.tree import Files
from umop.data.recognition import files_of, open_data
from umop.system.errors import UserError

_NOBODY = 65534


@contextmanager
def unlisted(folder: Path) -> Iterator[None]:
    """A folder that this process may not list, which root may always."""
    user = os.geteuid()
    folder.chmod(0)
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_listed_is_refused() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        root = Path(scratch, "data")
        pair(root, "images/a/1.jpg", "labels/a/1.txt")
        pair(root, "images/b/2.jpg", "labels/b/2.txt")
        for folder, read in ((root / "labels" / "b", Files), (root, files_of)):
            with (
                unlisted(folder),
                pytest.raises(UserError, match=f"^{folder} cannot be listed: Permission denied"),
            ):
                read(root)


def test_a_device_is_no_data() -> None:
    with pytest.raises(UserError, match=r"^/dev/null cannot be listed: Not a directory"):
        files_of(Path("/dev/null"))


@pytest.mark.parametrize("folder", ["@eaDir", "lost+found", ".thumbnails", "__MACOSX"])
def test_folders_of_the_system_are_left_out(tmp_path: Path, folder: str) -> None:
    yolo(tmp_path / "data", 2)
    pair(tmp_path, f"data/images/{folder}/preview.jpg", None)
    (tmp_path / folder).mkdir()
    data = open_data(tmp_path)
    assert (data.root, len(data.images)) == (tmp_path / "data", 2)


def test_an_annotation_is_no_image_that_another_names(tmp_path: Path) -> None:
    pair(tmp_path, "images/a.jpg", "a.json", "{}")
    files = Files(tmp_path)
    assert files.image("a.json") is None
    assert files.image("a.jpg", ("images",)) == tmp_path / "images" / "a.jpg"
