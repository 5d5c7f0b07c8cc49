"""The OpenAPI document says what this very service takes."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode


def document(**options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = TestClient(build_app(Settings(**options))).get("/openapi.json").json()
    return answer


def secured(described: dict[str, Any]) -> set[str]:
    return {
        path
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if "security" in operation
    }


def test_it_declares_keys_only_where_they_are_set() -> None:
    without = document()
    assert secured(without) == set()
    assert "securitySchemes" not in without["components"]
    assert {"/detect", "/models"} <= secured(document(api_keys="a"))
    assert secured(document(admin_keys="a")) == {"/admin/reload"}
    assert "/healthz" not in secured(document(api_keys="a", admin_keys="b"))


@pytest.mark.parametrize("path", ["/detect", "/detect/batch"])
def test_it_names_the_models_classes(client: TestClient, path: str) -> None:
    [parameter] = [
        each
        for each in client.get("/openapi.json").json()["paths"][path]["post"]["parameters"]
        if each["name"] == "classes"
    ]
    [names] = [each for each in parameter["schema"]["anyOf"] if each["type"] == "array"]
    assert names["items"] == {"type": "string", "enum": ["red", "green", "blue"]}


def test_it_names_the_formats(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    for path in ("/detect", "/detect/batch"):
        [parameter] = [x for x in described[path]["post"]["parameters"] if x["name"] == "format"]
        assert parameter["schema"]["anyOf"][0]["enum"] == ["json", "coco", "csv", "jpeg", "png"]
    wrong = client.post("/detect?format=bmp", content=encode(TWO_SQUARES))
    assert wrong.status_code == 422
    assert "json, coco, csv, jpeg, png" in wrong.json()["detail"]


@pytest.mark.parametrize("coding", [["Identity"], ["identity, IDENTITY"], ["identity", ""]])
def test_a_body_may_say_that_it_has_no_coding(client: TestClient, coding: list[str]) -> None:
    headers = [("Content-Encoding", each) for each in coding]
    answer = client.post("/detect", content=encode(TWO_SQUARES), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("coding", [["GZIP"], ["identity, br"], ["identity", "gzip"]])
def test_a_body_with_a_coding_is_refused(client: TestClient, coding: list[str]) -> None:
    headers = [("Content-Encoding", each) for each in coding]
    answer = client.post("/detect", content=b"", headers=headers)
    assert answer.status_code == 415
