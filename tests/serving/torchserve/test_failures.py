"""The reason is found in what workers print."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.torchserve.failures import why_it_failed

STARTED = "Torch worker started.\n"
TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    load()\n'
ENDED = "Stopped Scanner - W-9000-demo_1-stdout\n"
OTHER_ENDED = ENDED.replace("stdout", "stderr")
CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
WRAPPED = f"{TRACE}RuntimeError: 500 - Unknown exception\n"


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("", None),
        (STARTED, None),
        (f"{STARTED}{TRACE}KeyError: 'engine'\n", None),
        (f"{STARTED}{TRACE}KeyError: 'engine'\n{ENDED}", "KeyError: 'engine'"),
        (f"{TRACE}serving.bundle.BundleError: it is damaged\n{ENDED}", "it is damaged"),
        (f"{TRACE}KeyError: 1\n{CAUSED}{TRACE}OSError: no device\n{ENDED}", "OSError: no device"),
        (f"{TRACE}RuntimeError: no room\n{WRAPPED}{ENDED}", "RuntimeError: no room"),
        (f"{TRACE}{OTHER_ENDED}KeyError: 1\n{ENDED}", "KeyError: 1"),
        (f"{STARTED}{TRACE}{ENDED}", None),
        (f"{STARTED}{TRACE}{ENDED}{OTHER_ENDED}{STARTED}", None),
        (f"{TRACE}{ENDED}{TRACE}KeyError: 1\n{ENDED}", "KeyError: 1"),
        (3 * f"{STARTED}{ENDED}", "its worker ends without an error message; try --log-level info"),
    ],
)
def test_the_reason(tmp_path: Path, printed: str, reason: str | None) -> None:
    log = tmp_path / "worker.log"
    log.write_text(printed)
    assert why_it_failed(log) == reason


def test_before_there_is_a_log(tmp_path: Path) -> None:
    assert why_it_failed(tmp_path / "worker.log") is None
