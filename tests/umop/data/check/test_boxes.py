"""Boxes of a table whose corners are not in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize(
    ("header", "odd", "rule"),
    [
        ("xmin,xmax,ymin,ymax", "40,10,46,30", "box-inverted-often"),
        ("x1,y1,x2,y2", "46,30,40,10", "box-inverted"),
    ],
)
def test_columns_in_another_order_are_no_boxes_drawn_from_another_corner(
    tmp_path: Path, header: str, odd: str, rule: str
) -> None:
    """The first is the header that Udacity's table of cars has over x1,y1,x2,y2."""
    names = drawn(tmp_path, [f"{number}.jpg" for number in range(8)])
    boxes = [odd if number % 2 else "5,20,12,40" for number in range(8)]
    rows = [f"{name},{box},car" for name, box in zip(names, boxes, strict=True)]
    write(tmp_path / "labels.csv", "\n".join([f"image,{header},label", *rows]))
    report = check(open_data(tmp_path))
    found = {each.rule for each in report.findings if each.rule.startswith("box-")}
    assert found == {"box-inverted", rule}
    [*errors] = (each.text for each in report.of("error"))
    start = "labels.csv: line 3 (1.jpg), and 3 others of 8 boxes."
    assert [error.startswith(start) for error in errors] == [True] * (rule != "box-inverted")
