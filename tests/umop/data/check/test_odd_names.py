"""Names of classes and images that a terminal, a page or an annotation file cannot hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.samples import coco

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_class_s_name_does_nothing_to_the_terminal(umop: Umop, tmp_path: Path) -> None:
    root = coco(tmp_path, {"train": 2, "val": 1}, classes=("cat\x1b]0;pwned\x07", "[red]d\\[b]og"))
    code, out, err = umop("data", "check", str(root))
    assert code == 0, err
    assert r"'cat\x1b]0;pwned\x07' has 2 boxes" in out
    assert r"'[red]d\[b]og' has 2 boxes" in out


@pytest.mark.parametrize("name", ["\ud800.png", "a\0b.png"])
def test_an_image_s_name_that_no_file_has_is_missing(umop: Umop, tmp_path: Path, name: str) -> None:
    root = coco(tmp_path, {"train": 2, "val": 1})
    content = json.loads((root / "train.json").read_text())
    content["images"][0]["file_name"] = name
    (root / "train.json").write_text(json.dumps(content))
    code, out, err = umop("data", "check", str(root))
    assert (code, err) == (2, "")
    assert f"train.json lists train/{repr(name)[1:-1]}" in out
    code, _, err = umop("data", "check", str(root), "--html", str(tmp_path / "page.html"))
    assert (code, err) == (2, "")


@pytest.mark.parametrize("command", [("data", "check"), ("train", "small", "--dry-run", "--data")])
def test_a_file_s_name_that_is_not_utf8_is_one_line(
    umop: Umop, tmp_path: Path, command: tuple[str, ...]
) -> None:
    root = coco(tmp_path, {"train": 2, "val": 1})
    (root / "train" / "train 1.png").rename(root / "train" / os.fsdecode(b"caf\xe9.png"))
    code, _, err = umop(*command, str(root))
    assert (code, err) == (2, "error: The name b'train/caf\\xe9.png' is not UTF-8. Rename it.\n")
