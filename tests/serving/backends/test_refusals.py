"""What an answer without detections means for the caller, and for the next requests."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from serving.backends import NotReadyError
from serving.errors import PROBLEMS, find_rule
from serving.inference.decoding import ImageTooLargeError
from serving.schemas.options import DetectOptions
from serving.schemas.problems import ProblemDocument
from serving.torchserve.predictions import refuse
from tests.serving.backends.test_torchserve import PNG, StandIn, front_of

TOKEN = b'{"code": 400, "type": "InvalidKeyException", "message": "Token Authentication failed."}'
TIMES = 4
"""One more than the failures that open the breaker."""


def errors_of(status: int, body: bytes, bundle: Path) -> list[Exception]:
    """What a front raises while TorchServe, or a proxy before it, answers so."""
    head = b"HTTP/1.1 %d Other\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    server = StandIn(answered=head % (status, len(body)) + body)

    async def ask() -> list[Exception]:
        async with front_of(server, bundle) as backend:
            errors: list[Exception] = []
            for _ in range(TIMES):
                with pytest.raises(Exception) as raised:  # noqa: PT011  # its class is looked at
                    await backend.detect(PNG, DetectOptions())
                errors.append(raised.value)
        return errors

    return asyncio.run(ask())


@pytest.mark.parametrize("cause", PROBLEMS)
def test_a_problem_of_the_handler_is_the_error_it_had(
    cause: type[Exception], bundle_path: Path
) -> None:
    answer = refuse(cause("this is why"))
    errors = errors_of(answer.status.value, answer.body, bundle_path)
    assert [type(each) for each in errors] == [cause] * TIMES, "the breaker is closed"
    assert {find_rule(each).explain(each) for each in errors} == {
        find_rule(cause()).detail or "this is why"
    }


def test_a_problem_of_a_newer_handler_is_passed_on_and_no_failure(bundle_path: Path) -> None:
    document = ProblemDocument(
        type="urn:umop:problem:too-blue", title="Too blue", status=422, detail="it is too blue"
    )
    errors = errors_of(422, document.model_dump_json().encode(), bundle_path)
    assert [str(each) for each in errors] == ["TorchServe answered 422: it is too blue"] * TIMES


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, b""),
        (301, b"<html>moved</html>"),
        (400, TOKEN),
        (401, b'{"detail": "no key"}'),
        (422, b'{"type": "about:blank", "title": "No", "status": 422, "detail": "no"}'),
        (429, b"[1]"),
    ],
)
def test_any_other_answer_is_a_failure_of_the_server(
    status: int, body: bytes, bundle_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        errors = errors_of(status, body, bundle_path)
    assert all(isinstance(each, NotReadyError) for each in errors)
    answered = f"TorchServe answered {status}"
    assert [str(each) for each in errors] == [*[answered] * (TIMES - 1), "TorchServe is down"]
    assert caplog.text.count(answered) == TIMES - 1


def test_a_body_that_torchserve_itself_refuses_is_no_failure(bundle_path: Path) -> None:
    errors = errors_of(413, b"", bundle_path)
    assert [type(each) for each in errors] == [ImageTooLargeError] * TIMES
