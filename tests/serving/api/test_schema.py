"""The service keeps to its own OpenAPI document, whatever schemathesis thinks of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.serving.running import running

pytestmark = pytest.mark.slow

KEY = {"X-API-Key": "root"}
KEYS = {"UMOP_API_KEYS": "root", "UMOP_ADMIN_KEYS": "root"}
EFFORT = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def document(bundle_path: Path) -> Iterator[Any]:
    with running("--bundle", str(bundle_path), "--allow-urls", **KEYS) as server:
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        assert "Traceback" not in server.log()


def test_answers_keep_to_the_document(document: Any) -> None:
    operations = [operation.ok() for operation in document.get_all_operations()]
    assert {"POST /detect", "POST /detect/batch", "POST /v2/models/{name}/infer"} <= {
        operation.label for operation in operations
    }
    for operation in operations:
        for mode in GenerationMode:
            check(operation, mode)


def check(operation: Any, mode: GenerationMode) -> None:
    """Sends what the document allows, or what it does not."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @EFFORT
    def keeps_to_the_document(case: Any) -> None:
        # The document cannot say which bytes are an image, so refusing some is right.
        case.call_and_validate(headers=KEY, excluded_checks=[positive_data_acceptance])

    with suppress(SkipTest, Unsatisfiable):  # there is no wrong way to ask some of them
        keeps_to_the_document()
