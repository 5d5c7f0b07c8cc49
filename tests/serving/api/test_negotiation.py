"""The most specific range of all Accept headers says what a format is worth (RFC 9110, 12.5.1)."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.problems import assert_problem

PNG = encode(TWO_SQUARES)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (["application/json;q=0, */*"], "text/csv"),
        (["text/csv;q=0.2", "image/png"], "image/png"),
        (["text/csv, application/json"], "text/csv"),
        (["image/*;q=0.9, image/jpeg;q=0.1"], "image/png"),
        (["*/*, image/png"], "application/json"),
        ([], "application/json"),
    ],
)
def test_what_the_headers_want_is_sent(
    client: TestClient, accept: list[str], expected: str
) -> None:
    headers = [("Accept", each) for each in accept]
    del client.headers["Accept"]
    answer = client.post("/detect", content=PNG, headers=headers)
    assert answer.headers["content-type"].partition(";")[0] == expected


@pytest.mark.parametrize("accept", ["*/*;q=0", "application/json;q=0", "application/json;q=much"])
def test_what_they_refuse_is_not(client: TestClient, accept: str) -> None:
    assert client.post("/detect", content=PNG, headers={"Accept": accept}).status_code == 406


@pytest.mark.parametrize("accept", ["," * 201, "text/csv" + ";" * 201])
def test_a_header_of_many_parts_is_refused(client: TestClient, accept: str) -> None:
    answer = client.post("/detect", content=PNG, headers={"Accept": accept})
    assert_problem(answer, 406, "not-acceptable")
    assert "more than 200 commas and semicolons" in answer.json()["detail"]
