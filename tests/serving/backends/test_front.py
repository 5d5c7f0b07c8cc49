"""What callers of a front get from the handler: every route, and while another model answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.backends.handlers import fronting, handling
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle

PNG = encode(TWO_SQUARES)
LARGE = encode(paint(640, 640))
SURE = {"score_threshold": 0.95}
COCO = {**SURE, "format": "coco"}


@pytest.fixture(scope="module")
def front(bundle_path: Path) -> Iterator[TestClient]:
    """Its TorchServe takes fewer pixels than itself."""
    with handling(bundle_path, max_pixels=640 * 512) as url, fronting(url, bundle_path) as client:
        yield client


@pytest.fixture(scope="module", params=[("lilac", "red", "blue"), ("red", "lilac", "pink", "blue")])
def updating(
    bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[TestClient]:
    """A front whose TorchServe has a model with other classes already."""
    other = make_bundle(tmp_path_factory.mktemp("other") / "other.bundle", classes=request.param)
    with handling(other) as url, fronting(url, bundle_path) as client:
        yield client


def infer(client: TestClient, *images: bytes, **parameters: Any) -> Any:
    data = [base64.b64encode(each).decode() for each in images]
    image = {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}
    message = {"inputs": [image], "parameters": parameters}
    return client.post("/v2/models/squares/infer", json=message)


@pytest.mark.parametrize(
    "parameters", [SURE, {"classes": "red,blue", "tiles": "off", "binary_data_output": False}]
)
def test_open_inference_is_answered_as_by_the_embedded_engine(
    front: TestClient, client: TestClient, parameters: dict[str, Any]
) -> None:
    answers = [infer(each, PNG, PNG, **parameters) for each in (front, client)]
    assert [each.status_code for each in answers] == [200, 200]
    through, embedded = (each.json()["outputs"] for each in answers)
    assert through == embedded


def test_a_class_that_is_named_often_is_passed_on_once(front: TestClient) -> None:
    answer = infer(front, PNG, classes=",".join(["red"] * 3_000), **SURE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == [1]


def test_more_classes_than_a_header_holds_are_refused(tmp_path: Path) -> None:
    names = tuple(f"a class with quite a long name {place}" for place in range(300))
    bundle = make_bundle(tmp_path / "squares.bundle", classes=names)
    with handling(bundle) as url, fronting(url, bundle) as client:
        answer = infer(client, PNG, classes=",".join(names))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:umop:problem:invalid-request")
    assert "name fewer classes" in answer.json()["detail"]


def test_a_problem_of_the_handler_keeps_its_kind(front: TestClient) -> None:
    answer = front.post("/detect", content=LARGE)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:umop:problem:image-too-large")


def test_a_class_that_only_the_front_knows_is_unknown(updating: TestClient) -> None:
    answer = updating.post("/detect?classes=green", content=PNG)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:umop:problem:unknown-class")


def test_coco_names_the_classes_of_the_model_that_answered(updating: TestClient) -> None:
    plain = updating.post("/detect", params=SURE, content=PNG).json()
    labels = sorted(each["label"] for each in plain["detections"])
    one = updating.post("/detect", params=COCO, content=PNG)
    files = [("files", ("a.png", PNG)), ("files", ("b.png", PNG))]
    two = updating.post("/detect/batch", params=COCO, files=files)
    assert named(one.json()) == labels
    assert named(two.json()) == sorted(2 * labels)


def named(coco: dict[str, Any]) -> list[str]:
    names = {each["id"]: each["name"] for each in coco["categories"]}
    assert list(names.values())[:3] == ["red", "green", "blue"]
    assert len(names) == len(coco["categories"])
    return sorted(names[each["category_id"]] for each in coco["annotations"])


def test_open_inference_has_no_names_so_that_it_waits_for_the_same_classes(
    updating: TestClient,
) -> None:
    answer = infer(updating, PNG, **SURE)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:umop:problem:not-ready")
    assert "a model with other classes" in answer.json()["detail"]
