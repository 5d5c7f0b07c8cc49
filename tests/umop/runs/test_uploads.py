"""Who may write a run's mirror, and that training waits for no upload but the last."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from unittest.mock import Mock

import pytest

from serving.storage import Store
from serving.storage.store import _TRIES
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage
from tests.umop.runs.mirroring import save
from umop.runs.folder import RunFolder
from umop.runs.lease import Lease
from umop.runs.uploads import mirrored, require_mirror
from umop.system.errors import FetchError, UserError


def test_the_second_job_says_who_trains(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "6")
    save(run, 4)
    second = mirrored(run, place, lambda: 4)
    with (
        mirrored(run, place, lambda: 4),
        pytest.raises(UserError, match=r"is being trained by process \d+ on "),
    ):
        second.__enter__()
    with mirrored(run, place, lambda: 4):
        pass  # the first gave it up


def test_a_lease_that_is_not_kept_is_taken_and_its_holder_stops(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "2")
    save(run, 4)
    goes_on = threading.Event()
    keep = Lease._keep
    with ExitStack() as held, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lease, "_keep", lambda self: goes_on.wait(30) and keep(self))  # is frozen
        frozen = held.enter_context(mirrored(run, place, lambda: 4))
        patch.setattr(Lease, "_keep", keep)
        held.enter_context(mirrored(run, place, lambda: 4))
        goes_on.set()
        wait_until(lambda: frozen._lease.is_lost)
        with pytest.raises(UserError, match="Another job has taken the mirror"):
            frozen.offer(8)
        held.pop_all()


def test_a_job_that_lost_its_mirror_does_not_write_the_save_that_still_waits(
    storage: Storage, place: str, run: RunFolder
) -> None:
    save(run, 4)
    goes_on = threading.Event()
    store = Store(f"{place}/trees")
    refused = pytest.raises(UserError, match="Another job has taken the mirror")
    with refused, mirrored(run, place, lambda: 4) as slow:
        slow.start()
        storage.fault = lambda method, path: (
            Fault(delay=float(not goes_on.wait(20))) if path.endswith("iter_8.pth") else None
        )
        for iteration in (8, 12):
            save(run, iteration)
            slow.offer(iteration)
            wait_until(lambda: slow._waiting is None or slow._iteration == 12)
        of_another = b'{"writer": "another", "iteration": 99, "checkpoints": [], "files": {}}'
        store.write("manifest.json", of_another)
        goes_on.set()
        assert slow._thread
        slow._thread.join(2)  # it ends
    found = store.read("manifest.json")
    assert found is not None
    assert found[0] == of_another


def test_one_upload_is_behind_at_most(storage: Storage, place: str, run: RunFolder) -> None:
    save(run, 0)
    goes_on = threading.Event()
    with mirrored(run, place, lambda: 0) as uploads:
        uploads.start()
        storage.forget()
        storage.fault = lambda method, path: (
            Fault(delay=float(not goes_on.wait(30))) if path.endswith("manifest.json") else None
        )
        for iteration in range(1, 7):
            save(run, iteration)
            uploads.offer(iteration)
        goes_on.set()
    written = [path for method, path in storage.requests if method == "PUT"]
    assert len([path for path in written if path.endswith("manifest.json")]) <= 3
    assert json.loads(Store(f"{place}/trees").read("manifest.json")[0])["iteration"] == 6  # type: ignore[index]


def test_a_failure_of_any_kind_is_said_at_the_end(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umop.runs.uploads._GRACE", 0.0)
    save(run, 4)
    refused = pytest.raises(FetchError, match="is not mirrored: out of range")
    with refused, mirrored(run, place, lambda: 4) as uploads:
        uploads.start()
        monkeypatch.setattr(uploads, "_push", Mock(side_effect=ValueError("out of range")))
        save(run, 8)
        uploads.offer(8)


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (Fault(status=503), _TRIES + 3),  # more than one upload outlasts
        (Fault(status=400, code="RequestTimeout"), 1),
        (Fault(status=403, code="AccessDenied"), 1),
    ],
)
def test_the_last_upload_is_tried_again_where_storage_fails_for_a_while(
    storage: Storage,
    place: str,
    run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    count: int,
) -> None:
    monkeypatch.setattr("umop.runs.uploads._SECONDS_BETWEEN_TRIES", 0.1)
    save(run, 4)
    failures = iter(range(count))
    with mirrored(run, place, lambda: 4) as uploads:
        uploads.start()
        save(run, 8)
        storage.fault = lambda method, path: (
            fault if path.endswith("manifest.json") and next(failures, None) is not None else None
        )
    found = Store(f"{place}/trees").read("manifest.json")
    assert found is not None
    assert "iter_8.pth" in json.loads(found[0])["checkpoints"]


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_one_refusal_at_the_start_does_not_end_it(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("umop.system.storage._SECONDS_BETWEEN_TRIES", 0.0)
    save(run, 4)
    for name in ("lease.json", "manifest.json", "iter_4.pth"):
        faults = iter([Fault(status=403, code="AccessDenied")])
        storage.fault = lambda used, path, name=name, faults=faults: (  # type: ignore[misc]
            next(faults, None) if used == method and path.endswith(name) else None
        )
        with mirrored(run, f"{place}/{name}", lambda: 4) as uploads:
            uploads.start()


ELSEWHERE = [
    *("file:///tmp/runs", "file://tmp/runs", "https://host/runs", "ftp://host/runs"),
    *("runs", "/tmp/runs", "s3://", "s3:/runs"),
]
NO_MIRRORS = [
    *((each, rf"address in object storage .*, not {each}\.$") for each in ELSEWHERE),
    ("s3://-/runs", "there can be no such address"),
]


@pytest.mark.parametrize(("address", "said"), NO_MIRRORS)
def test_an_address_that_is_no_mirror_is_said_without_storage(
    run: RunFolder, address: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        require_mirror(run, address)


@pytest.mark.parametrize(
    ("address", "said"), [*NO_MIRRORS, ("s3://no-such-bucket/runs", "404 NoSuchBucket")]
)
def test_a_bad_mirror_is_said_before_training(
    storage: Storage, run: RunFolder, address: str, said: str
) -> None:
    run.folder.mkdir()
    with pytest.raises(UserError, match=said):
        mirrored(run, address, lambda: -1).__enter__()
