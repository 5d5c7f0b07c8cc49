"""docs/serving.md says what the service does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from fastapi.testclient import TestClient

from serving.schemas.problems import ProblemKind

DOCUMENT = (Path(__file__).parents[3] / "docs" / "serving.md").read_text("utf-8")


def test_every_route_is_named(client: TestClient) -> None:
    for path in client.get("/openapi.json").json()["paths"]:
        assert path.startswith("/v2") or path.partition("/{")[0] in DOCUMENT, path


def test_every_kind_of_problem_is_named() -> None:
    named = set(re.findall(r"`([a-z-]+)`", DOCUMENT))
    assert set(get_args(ProblemKind)) - named == set()
