"""What a run came from: every start of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from umop.runs.folder import RunFolder
from umop.system.console import duration
from umop.system.exit_codes import STOPPED

_ENDS = {None: "no end: killed, or still training", 0: "finished", STOPPED: "stopped, and saved"}


@dataclass(frozen=True)
class StartInWords:
    """One start, in words.

    Attributes:
        began: Date and time.
        lasted: How long; empty without an end.
        iterations: The first and the last one.
        end: How it ended.
        commit: Of the code; says so where it was changed.
        machine: Host and GPUs.
        details: Everything that is recorded.
    """

    began: str
    lasted: str
    iterations: str
    end: str
    commit: str
    machine: str
    details: dict[str, Any]


def starts(run: RunFolder) -> list[StartInWords]:
    """A run's starts, the oldest first."""
    return [start_in_words(each) for each in run.starts()]


def start_in_words(entry: dict[str, Any]) -> StartInWords:
    """One entry of ``provenance.json``."""
    code = entry.get("exit_code")
    first, last = entry.get("first_iteration"), entry.get("last_iteration")
    seconds = _seconds_between(entry)
    return StartInWords(
        began=_moment(entry.get("started")),
        lasted="" if seconds is None else duration(seconds),
        iterations="" if first is None else f"{first} to {'?' if last is None else last}",
        end=_ENDS.get(code, f"failed, exit code {code}"),
        commit=_commit(entry),
        machine=", ".join(filter(None, [entry.get("host"), *entry.get("devices", [])])),
        details=entry,
    )


def _moment(time: str | None) -> str:
    """A time of ``provenance.json`` for people."""
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M} UTC" if time else ""


def time_trained(run: RunFolder) -> str:
    """How long all starts that have an end took together, in words; empty without one."""
    spans = [_seconds_between(each) for each in run.starts()]
    known = [span for span in spans if span is not None]
    return duration(sum(known)) if known else ""


def _seconds_between(entry: dict[str, Any]) -> float | None:
    """How long a start took; None without an end."""
    if not entry.get("started") or not entry.get("ended"):
        return None
    began, ended = (datetime.fromisoformat(entry[key]) for key in ("started", "ended"))
    return (ended - began).total_seconds()


def _commit(entry: dict[str, Any]) -> str:
    """The commit of the code, short; says where files were changed since."""
    if not entry.get("commit"):
        return "none"
    return f"{entry['commit'][:10]}{'' if entry.get('clean', True) else ', changed'}"
