"""Problems, as answers over HTTP have them."""

from __future__ import annotations

import httpx


def assert_problem(answer: httpx.Response, status: int, kind: str) -> None:
    """Asserts that an answer is a problem of a kind."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:umop:problem:{kind}")
    assert answer.headers["content-type"] == "application/problem+json"
