"""What storage refuses for some seconds ends nothing; what it refuses for good is said soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serving.storage import Store
from tests.storage import Fault, Storage
from umop.system.errors import FetchError, UserError
from umop.system.storage import _MORE_TRIES, patiently

DENIED = Fault(status=403, code="AccessDenied")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("umop.system.storage._SECONDS_BETWEEN_TRIES", 0.0)


def times(fault: Fault, count: int) -> Callable[[str, str], Fault | None]:
    """What goes wrong so often, and no more."""
    faults = iter([fault] * count)
    return lambda method, path: next(faults, None)


@pytest.mark.parametrize(
    "fault", [DENIED, Fault(status=401), Fault(status=400, code="RequestTimeout")]
)
def test_a_refusal_that_passes_is_one_line(
    storage: Storage, place: str, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    storage.fault = times(fault, _MORE_TRIES)
    assert patiently(Store(place).objects) == []
    assert capsys.readouterr().err.count("tried again for") == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(DENIED, UserError), (Fault(status=400, code="ExpiredToken"), FetchError)],
)
def test_a_refusal_that_stays_is_said(
    storage: Storage, place: str, fault: Fault, kind: type[Exception]
) -> None:
    storage.fault = lambda method, path: fault
    with pytest.raises(kind, match=fault.code):
        patiently(Store(place).objects)
    assert len(storage.requests) == _MORE_TRIES + 1


def test_a_mistake_is_said_at_once(storage: Storage) -> None:
    with pytest.raises(UserError, match="NoSuchBucket"):
        patiently(Store("s3://no-such-bucket/x").objects)
    assert len(storage.requests) == 1
