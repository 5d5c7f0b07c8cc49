"""AutoML's rows without their set."""

from __future__ import annotations

from pathlib import Path

from tests.umop.data.layouts.writers import LAYOUTS, write
from tests.umop.data.reported import counts
from umop.data.recognition import open_data


def test_the_set_may_be_left_out(tmp_path: Path) -> None:
    LAYOUTS["AutoML"](tmp_path)
    path = tmp_path / "export.csv"
    with_set = open_data(tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("".join(line.partition(",")[2] + "\n" for line in lines))
    without = open_data(tmp_path)
    assert (without.layout, len(without.boxes)) == ("AutoML CSV", 3)
    assert without.boxes.corners.tolist() == with_set.boxes.corners.tolist()
    assert (counts(without), without.issues) == ({None: 2}, ())


def test_ten_values_of_another_kind_are_no_automl(tmp_path: Path) -> None:
    LAYOUTS["AutoML"](tmp_path)
    write(tmp_path / "export.csv", "first one.jpg,1,1,9,1,9,9,1,9,cat\n")
    assert open_data(tmp_path).layout == "CSV"
