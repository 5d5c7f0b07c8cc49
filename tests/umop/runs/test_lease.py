"""Who holds a mirrored run, whatever the clocks of machines and of storage say."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from serving.storage import Store
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage
from umop.runs.lease import Lease
from umop.system.errors import UserError

LEASE = "lease.json"
NOW = datetime.now(timezone.utc)


@pytest.fixture
def store(storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "2")
    return Store(place)


def hours_apart(storage: Storage, hours: float) -> None:
    """Has storage say that leases were written by a clock which is so far from its other ones."""
    storage.fault = lambda method, path: (
        Fault(modified=NOW + timedelta(hours=hours)) if path.endswith(LEASE) else None
    )


@pytest.fixture
def dead(store: Store) -> Lease:
    """A lease whose holder was killed."""
    lease = Lease(store)
    lease._acquire()
    return lease


@pytest.mark.parametrize("hours", [-5, 5])
def test_who_writes_keeps_a_lease_that_seems_hours_old_or_from_the_future(
    storage: Storage, store: Store, hours: float
) -> None:
    with Lease(store).held():
        hours_apart(storage, hours)
        with pytest.raises(UserError, match="is being trained by"):
            Lease(store)._acquire()


@pytest.mark.parametrize("hours", [-5, 0, 5])
def test_a_lease_of_one_that_was_killed_is_taken_in_its_time(
    storage: Storage, store: Store, dead: Lease, hours: float
) -> None:
    if hours:
        hours_apart(storage, hours)
    start = time.monotonic()
    with Lease(store).held():
        assert time.monotonic() - start < 20


def test_a_machine_whose_clock_is_wrong_decides_as_others_do(
    store: Store, dead: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing asks the clock but the line that says since when a run is trained."""
    monkeypatch.setattr("time.time", lambda: 0.0)
    with Lease(store).held(), pytest.raises(UserError, match="is being trained by"):
        Lease(store)._acquire()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"seconds": 1e300}', b"\0"])
def test_a_damaged_lease_is_one_clear_line(store: Store, content: bytes) -> None:
    store.write(LEASE, content)
    with pytest.raises(UserError, match=r"lease\.json is damaged\. Delete it") as refused:
        Lease(store)._acquire()
    assert "\n" not in str(refused.value)


def test_a_holder_whose_lease_was_overwritten_has_lost_it(store: Store) -> None:
    lease = Lease(store)
    with lease.held():
        store.write(LEASE, b"something else")
        deadline = time.monotonic() + 20
        while not lease.is_lost and time.monotonic() < deadline:
            time.sleep(0.05)
        assert lease.is_lost
    assert store.read(LEASE) is not None, "it is not ours to delete"


def test_a_holder_does_not_wait_for_storage_that_does_not_answer(
    storage: Storage,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("umop.runs.lease._SECONDS_TO_RELEASE", 0.2)
    has_left, answers = threading.Event(), []
    with Lease(store).held():
        storage.fault = lambda method, path: answers.append(has_left.wait(10))
    has_left.set()
    wait_until(lambda: store.look(LEASE) is None)
    assert all(answers)
    assert f"{store.address} does not answer: the next start waits 2 s" in capsys.readouterr().err


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_server_that_writes_whatever_is_expected_is_refused(
    storage: Storage, store: Store, ignored: str
) -> None:
    storage.fault = lambda method, path: Fault(ignores=ignored)
    with pytest.raises(UserError, match="its server ignores If-None-Match or If-Match"):
        Lease(store)._acquire()
    assert store.read(LEASE) is None, "the next start need not wait"


@pytest.mark.parametrize(
    "refusal",
    [
        Fault(status=412, code="PreconditionFailed"),
        Fault(status=409, code="ConditionalRequestConflict"),
    ],
)
def test_a_server_that_refuses_every_condition_is_not_asked_for_ever(
    storage: Storage, store: Store, refusal: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("umop.runs.lease.sleep", pauses.append)
    storage.fault = lambda method, path: refusal if method == "PUT" else None
    with pytest.raises(UserError, match="cannot be a mirror: its server refuses each write"):
        Lease(store)._acquire()
    assert len(pauses) == 5
    assert store.look(LEASE) is None


def test_what_a_job_wrote_without_learning_it_is_its_own(
    store: Store, dead: Lease, capsys: pytest.CaptureFixture[str]
) -> None:
    dead._tag = None
    dead._acquire()
    assert dead._tag is not None
    assert "looking whether" not in capsys.readouterr().err


def test_storage_that_takes_one_write_a_second_is_a_mirror(storage: Storage, store: Store) -> None:
    written = [-1.0]

    def fault(method: str, path: str) -> Fault | None:
        if method != "PUT" or not path.endswith(LEASE):
            return None
        if time.monotonic() - written[0] < 0.9:
            return Fault(status=429, code="SlowDown")
        written[0] = time.monotonic()
        return None

    storage.fault = fault
    lease = Lease(store)
    lease._acquire()
    assert lease._tag is not None
