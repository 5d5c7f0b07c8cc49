"""Lists the runs of a folder, and how each is doing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from umop.runs.folder import RunFolder
from umop.runs.lock import is_locked
from umop.system.errors import UserError
from umop.system.exit_codes import STOPPED

_FOUND = "lost+found"
"""What a file system of its own has at its top, and nobody but root may read."""


@dataclass(frozen=True)
class ListedRun:
    """One row of ``umop runs``.

    Attributes:
        name: Of the run.
        state: ``training``, ``finished``, ``stopped``, ``killed``, ``failed``, ``imported``,
            ``damaged``, ``unreadable`` or ``empty``.
        iteration: The last iteration that is known; None before there was one.
        ap: Of the last evaluation during training, from 0 to 1; None before there was one.
        age: Seconds since the run last wrote.
    """

    name: str
    state: str
    iteration: int | None
    ap: float | None
    age: float


def runs_in(folder: Path) -> list[ListedRun]:
    """All runs of a folder, the newest first."""
    paths = folder.iterdir() if folder.is_dir() else ()
    rows = [listed_run(RunFolder(path)) for path in paths if path.is_dir() and path.name != _FOUND]
    return sorted(rows, key=lambda row: row.age)


def listed_run(run: RunFolder) -> ListedRun:
    """Reads one run's folder."""
    try:
        state, lines, last = run_state(run), run.read_metrics(), run.last_metrics()
    except UserError:
        state, lines, last = "damaged", [], None
    except PermissionError:
        return ListedRun(run.name, "unreadable", None, None, _age(run.folder))
    return ListedRun(
        name=run.name,
        state=state,
        iteration=lines[-1]["iter"] if lines else None,
        ap=last["AP"] if last else None,
        age=_age(run.folder, *_wrote(run)),
    )


def _age(*paths: Path) -> float:
    return time.time() - max(path.stat().st_mtime for path in paths)


def _wrote(run: RunFolder) -> list[Path]:
    """The files that show when a run was last at work."""
    return [path for path in (run.metrics_file, run.provenance, run.evaluation) if path.is_file()]


def run_state(run: RunFolder) -> str:
    """How a run is doing.

    Raises:
        UserError: What it says of its starts is damaged.
    """
    starts = run.starts()
    code = starts[-1].get("exit_code") if starts else None
    if code is not None:
        return {0: "finished", STOPPED: "stopped"}.get(code, "failed")
    if is_locked(run):
        return "training"
    if starts:
        return "killed"
    return "imported" if run.latest_checkpoint() else "empty"
