"""Which of a VIA region's attributes is its class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

SHAPE = {"name": "rect", "x": 8, "y": 6, "width": 16, "height": 24}


def checked(root: Path, *attributes: dict[str, Any]) -> Report:
    """One image with a region for each of some attributes."""
    drawn(root, ["a.jpg"])
    regions = [
        {"shape_attributes": {**SHAPE, "y": number}, "region_attributes": each}
        for number, each in enumerate(attributes)
    ]
    write(root / "via.json", json.dumps({"a": {"filename": "a.jpg", "regions": regions}}))
    return check(open_data(root))


def classes(report: Report) -> list[str]:
    return [report.data.classes[label] for label in report.data.boxes.label]


def test_a_region_without_the_attribute_of_others_has_no_class(tmp_path: Path) -> None:
    report = checked(tmp_path, {"part": "bottle"}, {}, {"part": None})
    assert classes(report) == ["bottle", "", ""]
    assert len(texts(report, "category-blank")) == 2


def test_regions_without_any_attribute_are_objects(tmp_path: Path) -> None:
    report = checked(tmp_path, {}, {})
    assert (classes(report), texts(report, "category-blank")) == (["object"] * 2, [])


def test_attributes_that_are_all_blank_are_no_class(tmp_path: Path) -> None:
    report = checked(tmp_path, {"part": ""}, {})
    assert len(texts(report, "category-blank")) == 2


@pytest.mark.parametrize(
    "attributes",
    [
        {"quality": "good", "Class": "cell"},
        {"name": "good", "label": "cell"},
        {"quality": "good", "type": {"none": False, "cell": True}},
        {"quality": "", "kind": "cell"},
    ],
)
def test_the_attribute_that_is_plainly_the_class_is_taken(
    tmp_path: Path, attributes: dict[str, Any]
) -> None:
    report = checked(tmp_path, attributes)
    assert (classes(report), texts(report, "annotations-unreadable")) == (["cell"], [])


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ([{"class": "cat"}, {"label": "cat"}], ["cat", "cat"]),
        ([{"class": "cat"}, {"animal": "dog"}], ["cat", "dog"]),
        (
            [{"species": "oak"}, {"species": "elm"}, {"species": "oak", "name": "x"}],
            ["oak", "elm", "x"],
        ),
        ([{"label": "cat", "category": "animal"}], ["cat"]),
        ([{"name": "car", "type": "unknown"}], ["car"]),
        ([{"name": "not_defined", "type": "car"}, {"name": "bus", "type": ""}], ["car", "bus"]),
        ([{"fruit": "pear", "occluded": "no"}, {"occluded": "yes"}], ["pear", ""]),
        ([{"occluded": "no", "class": "cat"}, {"occluded": "yes"}], ["cat", ""]),
        ([{"quality": "good", "class": "cat"}, {"quality": "bad"}], ["cat", ""]),
        ([{"digit": "0"}, {"digit": "1"}], ["0", "1"]),
    ],
)
def test_each_region_has_its_own_attribute(
    tmp_path: Path, attributes: list[dict[str, Any]], names: list[str]
) -> None:
    report = checked(tmp_path, *attributes)
    assert classes(report) == names
    assert texts(report, "annotations-unreadable") == []


@pytest.mark.parametrize("names", ["quality, cell", "occluded, cut"])
def test_of_several_attributes_none_is_guessed(tmp_path: Path, names: str) -> None:
    value = "yes" if "cut" in names else "good"
    report = checked(tmp_path, *[dict.fromkeys(names.split(", "), value)] * 2)
    assert texts(report, "annotations-unreadable") == [
        f"via.json: which of the attributes {names} of 2 regions is the class is not clear: "
        "call it class"
    ]
    assert (len(report.data.boxes), texts(report, "category-blank")) == (0, [])


def test_an_undefined_attribute_of_a_table_has_no_class(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    shape = json.dumps(SHAPE).replace('"', '""')
    rows = [f'a.jpg,"{shape}","{{""type"":{value}}}"' for value in ('""cat""', "undefined")]
    header = "#filename,region_shape_attributes,region_attributes"
    write(tmp_path / "via.csv", "\n".join([header, *rows]))
    report = check(open_data(tmp_path))
    assert [each.rule for each in report.of("error")] == ["category-blank"]
    assert classes(report) == ["cat", ""]
