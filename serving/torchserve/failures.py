"""Finds the reason why a worker could not load its model in what it printed."""

from __future__ import annotations

import re
from pathlib import Path

_MAX_SILENT_WORKERS = 3
# A worker prints on standard output; the end of its standard error may come in between.
_END = re.compile(r"^Stopped Scanner - .*-stdout$", re.MULTILINE)
_OTHER_END = re.compile(r"^Stopped Scanner - .*-stderr\n", re.MULTILINE)
# The worker wraps a RuntimeError in one that says less: "500 - Unknown exception".
_REASON = re.compile(
    r"^Traceback \(most recent call last\):\n(?: .*\n)+"
    r"(?!RuntimeError: \d+ - |Stopped Scanner - )(?:serving\.[\w.]+: )?(\S.*)\n",
    re.MULTILINE,
)


def why_it_failed(log: Path) -> str | None:
    """The reason of a worker that has ended, in one line; None while none has.

    TorchServe may cut off what a dying worker prints, but starts the next one at once, so a reason
    may come until the third has ended.

    Args:
        log: What the workers print and when they end, ``serving.torchserve.config.WORKER_LOG``.
    """
    if not log.exists():
        return None
    text = _OTHER_END.sub("", log.read_text("utf-8", errors="replace"))
    ended = len(_END.findall(text))
    reasons = _REASON.findall(text)
    if ended and reasons:
        return str(reasons[-1])
    return (
        "its worker ends without an error message; try --log-level info"
        if ended >= _MAX_SILENT_WORKERS
        else None
    )
