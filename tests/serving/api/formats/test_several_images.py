"""A batch is answered in the form that is asked for."""

from __future__ import annotations

import csv
import io

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.serving.images import TWO_SQUARES, encode, paint

BROWSER = "text/html,application/xhtml+xml,image/png,*/*;q=0.8"
FILES = [
    ("files", ("two.png", encode(TWO_SQUARES))),
    ("files", ("none.png", encode(paint(90, 40)))),
    ("files", ("one.png", encode(paint(320, 256, ("green", 64, 64, 32))))),
]


def ask(client: TestClient, accept: str = "*/*", **query: str) -> httpx.Response:
    return client.post(
        "/detect/batch",
        params={"score_threshold": "0.95", **query},
        files=FILES,
        headers={"Accept": accept},
    )


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        ("*/*", {}),
        ("application/json", {}),
        (BROWSER, {}),
        ("image/jpeg, application/json;q=0.5", {}),
        ("text/csv", {"format": "json"}),
        ("image/jpeg", {"format": "json"}),
    ],
)
def test_json(client: TestClient, accept: str, query: dict[str, str]) -> None:
    results = ask(client, accept, **query).json()["results"]
    assert [len(each["detections"]) for each in results] == [2, 0, 1]


@pytest.mark.parametrize(
    ("accept", "query"),
    [("text/csv", {}), ("image/*, text/*;q=0.5", {}), ("application/json", {"format": "csv"})],
)
def test_one_table_holds_all_images(client: TestClient, accept: str, query: dict[str, str]) -> None:
    answer = ask(client, accept, **query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = csv.DictReader(io.StringIO(answer.text))
    found = sorted((row["image"], row["label"]) for row in rows)
    assert found == [("one.png", "green"), ("two.png", "blue"), ("two.png", "red")]


def test_one_coco_document_holds_all_images(client: TestClient) -> None:
    coco = ask(client, "text/csv", format="coco").json()
    images = [(each["id"], each["file_name"], each["width"]) for each in coco["images"]]
    assert images == [(1, "two.png", 640), (2, "none.png", 90), (3, "one.png", 320)]
    assert [each["image_id"] for each in coco["annotations"]] == [1, 1, 3]
    assert [each["id"] for each in coco["annotations"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("accept", "query"),
    [
        ("image/jpeg", {}),
        ("image/*", {}),
        ("video/mp4", {}),
        ("*/*", {"format": "jpeg"}),
        ("application/json", {"format": "png"}),
    ],
)
def test_several_images_are_not_drawn(
    client: TestClient, accept: str, query: dict[str, str]
) -> None:
    answer = ask(client, accept, **query)
    assert answer.status_code == 406
    assert answer.json()["type"] == "urn:umop:problem:not-acceptable"
    detail = "the response can be: application/json, text/csv; or with ?format=: json, coco, csv"
    assert answer.json()["detail"] == detail


def test_the_document_says_what_goes_in_and_comes_out(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    one, batch = paths["/detect"]["post"], paths["/detect/batch"]["post"]
    images = {"image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff", "image/gif"}
    structured = {"multipart/form-data", "application/json"}
    assert set(one["requestBody"]["content"]) == images | structured
    assert set(batch["requestBody"]["content"]) == structured
    assert set(batch["responses"]["200"]["content"]) == {"application/json", "text/csv"}
    assert "format" in {each["name"] for each in batch["parameters"]}
