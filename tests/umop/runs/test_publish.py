"""A run's bundle is uploaded beside its mirror."""

from __future__ import annotations

import pytest

from serving.bundle import Bundle
from tests.serving.make_bundle import make_bundle
from tests.storage import Fault, Storage
from umop.runs.folder import RunFolder
from umop.runs.publish import publish


@pytest.mark.parametrize(
    "refusal", [Fault(status=403, code="AccessDenied"), Fault(status=400, code="ExpiredToken")]
)
def test_one_refusal_does_not_end_it(
    storage: Storage,
    place: str,
    run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Fault,
) -> None:
    monkeypatch.setattr("umop.system.storage._SECONDS_BETWEEN_TRIES", 0.0)
    run.folder.mkdir()
    name = Bundle.open(make_bundle(run.bundle)).manifest.name
    refusals = iter([refusal])
    storage.fault = lambda method, path: next(refusals, None) if method != "GET" else None
    address = publish(run, place)
    assert address == f"{place}/trees/trees.bundle.zip"
    assert Bundle.open(address).manifest.name == name
    assert next(refusals, None) is None
