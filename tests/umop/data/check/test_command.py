"""What ``umop data check`` prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.check.defects import KINDS, box, spoilt

pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_command_prints_a_table_and_exits_with_2(umop: Umop, tmp_path: Path) -> None:
    root = spoilt(tmp_path / "data", KINDS["missing image"][2])
    code, out, _ = umop("data", "check", str(root))
    assert code == 2
    assert "COCO JSON, 12 train, 10 val, 44 boxes, 2 classes" in out
    assert "train.json lists" in out
    code, out, _ = umop("data", "check", str(root), "--json")
    assert code == 2
    [finding] = json.loads(out)["findings"]
    assert (finding["rule"], finding["severity"]) == ("image-missing", "error")


def test_warnings_do_not_fail_the_command(umop: Umop, tmp_path: Path) -> None:
    code, out, _ = umop("data", "check", str(spoilt(tmp_path / "data", KINDS["no area"][2])))
    assert code == 0
    assert "box without area" in out


def test_the_page_shows_the_boxes_of_findings(umop: Umop, tmp_path: Path) -> None:
    root = spoilt(tmp_path / "data", KINDS["over the edge"][2])
    page = tmp_path / "check.html"
    code, _, _ = umop("data", "check", str(root), "--html", str(page))
    assert code == 0
    content = page.read_text()
    assert content.count('class="found"') == 1
    assert content.count("data:image/jpeg;base64,") == 1
    assert "6 px over the edge" in content
    assert "http" not in content


def test_a_piped_table_keeps_its_lines_whole(umop: Umop, tmp_path: Path) -> None:
    root = spoilt(tmp_path / "data", lambda _, content: box(content, 1000, 20, 30, 26))
    code, out, _ = umop("data", "check", str(root))
    assert code == 0
    [row] = [line for line in out.splitlines() if "outside" in line]
    assert "train/train 1.png" in row
