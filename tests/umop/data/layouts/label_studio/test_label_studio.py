"""What Label Studio's export holds beside the annotation that is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.umop.data.layouts.tools import label_studio_region
from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import Report, check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")

SIDES = {"original_width": WIDTH, "original_height": HEIGHT}


def annotated(*labels: str, **more: Any) -> dict[str, Any]:
    regions = [label_studio_region(label, (8, 6, 24, 30)) for label in labels]
    return {"result": [{**SIDES, "value": region} for region in regions], **more}


def checked(root: Path, *tasks: dict[str, Any]) -> Report:
    drawn(root, ["a.jpg", "b.jpg"])
    write(root / "export.json", json.dumps(tasks))
    return check(open_data(root))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"annotations": [annotated("cat"), annotated("cat", "dog")]}, "2 boxes by another person"),
        (
            {"annotations": [annotated("dog", was_cancelled=True), annotated("cat")]},
            "1 box in a cancelled annotation",
        ),
        ({"drafts": [annotated("dog")]}, "1 box in a draft"),
        ({"predictions": [annotated("dog", "dog", score=0.4)]}, "2 boxes predicted by a model"),
    ],
)
def test_boxes_that_are_not_taken_are_counted(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    task = {"id": 7, "data": {"image": "a.jpg"}, "annotations": [annotated("cat")], **more}
    report = checked(tmp_path, task)
    assert texts(report, "annotation-unused") == [f"export.json: task 7 (a.jpg): {said}"]
    assert (report.data.classes, len(report.data.boxes)) == (("cat",), 1)


def test_a_task_that_nobody_has_finished_is_said_where_a_model_found_boxes(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "data": {"image": "a.jpg"}, "annotations": [annotated("cat")]},
        {
            "id": 2,
            "data": {"image": "b.jpg"},
            "annotations": [],
            "predictions": [annotated("dog")],
        },
    ]
    report = checked(tmp_path, *tasks)
    assert texts(report, "annotation-unused") == [
        "export.json: task 2 (b.jpg): 1 box predicted by a model"
    ]
    assert len(report.data.images) == 1


def test_a_second_person_has_a_row_of_json_min(tmp_path: Path) -> None:
    region = {**SIDES, **label_studio_region("cat", (8, 6, 24, 30))}
    row = {"image": "a.jpg", "id": 7, "label": [region]}
    report = checked(tmp_path, {**row, "annotation_id": 1}, {**row, "annotation_id": 2})
    assert texts(report, "annotation-unused") == [
        "export.json: task 7 (a.jpg): 1 box by another person"
    ]
    assert len(report.data.boxes) == 1


def test_tasks_with_predictions_alone_are_named(tmp_path: Path) -> None:
    task = {"data": {"image": "a.jpg"}, "predictions": [annotated("cat")]}
    with pytest.raises(UserError, match="only a model's boxes"):
        checked(tmp_path, task)


RECTANGLE = {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 0}
UNLABELLED = [
    RECTANGLE,
    {**RECTANGLE, "rectanglelabels": []},
    {**RECTANGLE, "rectanglelabels": [None]},
    {**RECTANGLE, "choices": ["good"]},
    {"points": [[10, 10], [40, 10], [40, 40]]},
    {"x": 30, "y": 30, "radiusX": 10, "radiusY": 10},
]


@pytest.mark.parametrize("value", UNLABELLED)
@pytest.mark.parametrize("is_min", [False, True])
def test_a_region_without_a_label_is_an_error(
    tmp_path: Path, value: dict[str, Any], is_min: bool
) -> None:
    other = label_studio_region("cat", (8, 6, 24, 30))
    results = [{**SIDES, "id": f"r{i}", "value": each} for i, each in enumerate((value, other))]
    task: dict[str, Any] = {"data": {"image": "a.jpg"}, "annotations": [{"result": results}]}
    if is_min:
        task = {"image": "a.jpg", "id": 1, "box": [{**SIDES, **value}, {**SIDES, **other}]}
    report = checked(tmp_path, task)
    assert [each.rule for each in report.of("error")] == ["category-blank"]
    assert (len(report.data.boxes), len(report.cleaned.boxes)) == (2, 1)


def test_a_label_may_stand_in_another_result_of_the_region(tmp_path: Path) -> None:
    """As where the interface has Labels beside Rectangle, and choices for each region."""
    values = [RECTANGLE, {**RECTANGLE, "labels": ["cat"]}, {**RECTANGLE, "choices": ["good"]}]
    results = [{**SIDES, "id": "r", "value": value} for value in values]
    row = {"rectangle": [{**SIDES, **values[0]}], "label": [{**SIDES, **values[1]}]}
    report = checked(
        tmp_path,
        {"data": {"image": "a.jpg"}, "annotations": [{"result": results}]},
        {"image": "b.jpg", "id": 2, **row},
    )
    assert (report.data.classes, len(report.data.boxes)) == (("cat",), 2)


def result(tag: str, kind: str, value: dict[str, Any], region: str = "r") -> dict[str, Any]:
    return {**SIDES, "id": region, "from_name": tag, "type": kind, "value": value}


CAT = result("box", "rectanglelabels", {**RECTANGLE, "rectanglelabels": ["cat"]}, "c")


@pytest.mark.parametrize("is_min", [False, True])
def test_rectangles_of_a_tag_without_labels_are_no_boxes(tmp_path: Path, is_min: bool) -> None:
    helper = {**RECTANGLE, "x": 40}
    task: dict[str, Any] = {
        "data": {"image": "a.jpg"},
        "annotations": [{"result": [CAT, result("area", "rectangle", helper)]}],
    }
    if is_min:
        boxes = {"box": [{**SIDES, **CAT["value"]}], "area": [{**SIDES, **helper}]}
        task = {"image": "a.jpg", **boxes}
    report = checked(tmp_path, {"id": 7, **task})
    assert texts(report, "annotation-unused") == [
        "export.json: task 7 (a.jpg): 1 box of a tag that has no labels"
    ]
    assert (report.data.classes, len(report.data.boxes)) == (("cat",), 1)


@pytest.mark.parametrize(
    "others",
    [
        [result("box", "rectangle", RECTANGLE)],
        [result("other", "rectanglelabels", RECTANGLE)],
        [
            result("area", "rectangle", RECTANGLE),
            result("area", "rectangle", RECTANGLE, "s"),
            result("name", "labels", {**RECTANGLE, "labels": ["dog"]}, "s"),
        ],
    ],
)
def test_a_region_of_a_tag_with_labels_needs_one(
    tmp_path: Path, others: list[dict[str, Any]]
) -> None:
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [CAT, *others]}]}
    report = checked(tmp_path, task)
    assert [each.rule for each in report.of("error")] == ["category-blank"]
    assert texts(report, "annotation-unused") == []


@pytest.mark.parametrize(("tags", "name"), [(["kind"], "good"), (["kind", "quality"], "")])
def test_the_only_choice_for_each_region_is_its_class(
    tmp_path: Path, tags: list[str], name: str
) -> None:
    choices = [result(tag, "choices", {**RECTANGLE, "choices": ["good"]}) for tag in tags]
    of_image = {"id": "i", "from_name": "light", "type": "choices", "value": {"choices": ["dim"]}}
    results = [result("area", "rectangle", RECTANGLE), *choices, of_image]
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": results}]}
    report = checked(tmp_path, task)
    assert (report.data.classes, len(report.data.boxes)) == ((name,), 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://b.s3.amazonaws.com/x/a.jpg?X-Amz-Credential=AK%2Fus-east-1%2Faws4_request",
        "http://localhost:8080/data/local-files/?d=photos%2Fa.jpg",
        "s3://bucket/photos/a.jpg",
    ],
)
def test_the_image_of_a_url_is_found(tmp_path: Path, url: str) -> None:
    task = {"data": {"image": url}, "annotations": [annotated("cat")]}
    data = checked(tmp_path, task).data
    assert [data.name(image.path) for image in data.images] == ["a.jpg"]
