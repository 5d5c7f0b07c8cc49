"""Files come from MLflow's server whole, once, and in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.bundle import Bundle
from serving.bundle.remote import version_of
from serving.torchserve.archive import archived
from tests.serving.registry.scripted import (
    ADDRESS,
    ALIAS,
    FILE,
    PLACE,
    Answer,
    Scripted,
    refused,
    version,
)


def test_a_second_start_asks_for_the_alias_and_moves_no_byte(mlflow: Scripted) -> None:
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert mlflow.paths() == [ALIAS, PLACE, FILE], "which version came is asked with it"
    assert Bundle.open(ADDRESS).origin == version_of(ADDRESS)
    mlflow.requests.clear()
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert FILE not in mlflow.paths()


def test_torchserve_starts_from_an_alias(mlflow: Scripted) -> None:
    with archived(ADDRESS) as archive:
        assert archive.name == "squares.mar"


@pytest.mark.parametrize("understands_ranges", [True, False])
def test_a_transfer_that_breaks_off_goes_on(
    mlflow: Scripted, zipped: bytes, understands_ranges: bool
) -> None:
    half = len(zipped) // 2

    def answer(headers: dict[str, str]) -> Answer:
        start = int(headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        if not start:
            return Answer(zipped, cut_after=half)
        return Answer(zipped[start:], 206) if understands_ranges else Answer(zipped)

    mlflow.answers[FILE] = answer
    Bundle.open(ADDRESS)
    assert [headers.get("Range") for path, headers in mlflow.requests if path == FILE] == [
        None,
        f"bytes={half}-",
    ]


def test_no_more_is_taken_than_was_registered(
    mlflow: Scripted, zipped: bytes, tmp_path: Path
) -> None:
    mlflow.answers[FILE] = Answer(zipped + bytes(50 * 2**20))
    assert refused() == f"{ADDRESS}: more than {len(zipped)} bytes came"
    held = [path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sum(held) <= len(zipped)


def test_another_file_than_was_registered_is_refused_and_not_kept(
    mlflow: Scripted, zipped: bytes, tmp_path: Path
) -> None:
    mlflow.answers[FILE] = Answer(zipped[:-1] + b"x")
    assert refused().startswith(f"{ADDRESS}: version 3 is not what was registered")
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_a_file_that_is_larger_than_the_disk_is_not_asked_for(
    mlflow: Scripted, zipped: bytes
) -> None:
    mlflow.answers[ALIAS] = Answer(version(zipped, **{"umop.bytes": str(10**18)}))
    assert "1000000000000000000 bytes are to be fetched" in refused()
    assert FILE not in mlflow.paths()


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_file_that_drips_has_an_end_and_is_gone_on_with(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    mlflow.answers[FILE] = Answer(zipped, drips=part)
    with monkeypatch.context() as hurried:
        hurried.setattr("serving.registry.artifacts.seconds_for", lambda size: 0.3)
        assert refused() == f"{ADDRESS}: {len(zipped)} bytes take too long"
    mlflow.answers[FILE] = Answer(zipped)
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert ("Range" in mlflow.requests[-1][1]) == (part == "body")


def test_a_file_whose_every_transfer_breaks_off_has_an_end(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_byte(headers: dict[str, str]) -> Answer:
        start = int(headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        return Answer(zipped[start:], 206 if start else 200, cut_after=1)

    monkeypatch.setattr("serving.registry.artifacts.seconds_for", lambda size: 1.0)
    mlflow.answers[FILE] = a_byte
    assert refused() == f"{ADDRESS}: {len(zipped)} bytes take too long"


@pytest.mark.parametrize(
    "place",
    ["file:///etc", "/etc", "https://example.com/x", "mlflow-artifacts://example.com/1", "dbfs:/x"],
)
def test_artifacts_elsewhere_are_refused(mlflow: Scripted, place: str) -> None:
    mlflow.answers[PLACE] = Answer({"artifact_uri": place})
    assert f"artifacts at {place} cannot be reached" in refused()
