"""CONTRIBUTING.md shows how an annotation layout is added; this does it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import umop.data.recognition
from tests.umop.data.layouts import write
from tests.umop.data.samples import draw
from umop.data.check import check

PAGE = Path(__file__).parents[3] / "CONTRIBUTING.md"

pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_worked_example_of_a_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(
        r"\*\*an annotation layout\*\*.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    module: dict[str, Any] = {}
    exec(example, module)
    layouts = (*umop.data.recognition.LAYOUTS, module["LAYOUT"])
    monkeypatch.setattr(umop.data.recognition, "LAYOUTS", layouts)
    boxes = [["dog", 40, 6, 24, 30], ["cat", 8, 6, 24, 30]]
    for split, names in (("train", "abc"), ("val", "de")):
        content = {f"{name}.jpg": boxes for name in names}
        write(tmp_path / f"{split}.json", json.dumps(content))
        for name in content:
            draw(tmp_path / "images" / name, ord(name[0]))
    report = check(umop.data.recognition.open_data(tmp_path))
    data = report.data
    assert (data.layout, data.classes, data.splits()) == (
        "dictionary",
        ("cat", "dog"),
        ("train", "val"),
    )
    assert data.where(0) == "train.json: box 1 of a.jpg (images/a.jpg)"
    assert "convention-sizes" in {each.rule for each in report.findings}
