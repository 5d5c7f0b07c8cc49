from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode

PNG = encode(TWO_SQUARES)
SURE = {"score_threshold": 0.95}


def boxes(response: Any) -> dict[str, list[float]]:
    assert response.status_code == 200, response.text
    return {
        each["label"]: [each["box"][side] for side in ("x1", "y1", "x2", "y2")]
        for each in response.json()["detections"]
    }


def test_a_form_raw_bytes_and_base64_get_the_same_answer(client: TestClient) -> None:
    as_form = client.post("/detect", params=SURE, files={"file": ("squares.png", PNG)})
    as_bytes = client.post("/detect", params=SURE, content=PNG)
    as_json = client.post("/detect", params=SURE, json={"image": base64.b64encode(PNG).decode()})
    assert boxes(as_form) == boxes(as_bytes) == boxes(as_json) == TWO_BOXES


def test_the_answer_says_model_size_and_times(client: TestClient) -> None:
    answer = client.post("/detect", params=SURE, content=PNG).json()
    assert answer["model"] == {"name": "squares", "version": "1"}
    assert answer["image"] == {"width": 640, "height": 512}
    assert answer["detections"][0]["score"] == pytest.approx(1)
    assert {"decode", "queue", "inference"} <= set(answer["timing_ms"])


def test_query_parameters_filter(client: TestClient) -> None:
    only_blue = client.post("/detect", params={**SURE, "classes": "blue"}, content=PNG)
    assert boxes(only_blue) == {"blue": TWO_BOXES["blue"]}
    one = client.post("/detect", params={"max_detections": 1}, content=PNG)
    assert len(one.json()["detections"]) == 1


@pytest.mark.parametrize(
    ("request_", "status", "kind"),
    [
        ({"content": b"hello"}, 415, "unsupported-image"),
        ({"content": b""}, 422, "no-image"),
        ({"content": PNG[:300]}, 422, "broken-image"),
        ({"content": PNG, "headers": {"Content-Type": "text/plain"}}, 415, "unsupported-body"),
        ({"content": PNG, "headers": {"Accept": "video/mp4"}}, 406, "not-acceptable"),
        ({"content": PNG, "params": {"score_threshold": 2}}, 422, "invalid-request"),
        ({"content": PNG, "params": {"score_threshold": "nan"}}, 422, "invalid-request"),
        ({"content": PNG, "params": {"max_detections": 0}}, 422, "invalid-request"),
        ({"content": PNG, "params": {"classes": "cat"}}, 422, "unknown-class"),
        ({"files": {"other": PNG}}, 422, "no-image"),
        ({"files": [("file", PNG), ("file", PNG)]}, 422, "no-image"),
        ({"json": {"image": "?"}}, 422, "no-image"),
        ({"json": []}, 422, "no-image"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "no-image"),
    ],
)
def test_bad_input_is_a_problem(
    client: TestClient, request_: dict[str, object], status: int, kind: str
) -> None:
    response = client.post("/detect", **request_)  # type: ignore[arg-type]
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    problem = response.json()
    assert problem["type"] == f"urn:umop:problem:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def test_unknown_routes_and_methods_are_problems(client: TestClient) -> None:
    assert client.get("/nowhere").json()["type"] == "urn:umop:problem:not-found"
    assert client.get("/detect").json()["type"] == "urn:umop:problem:method-not-allowed"
