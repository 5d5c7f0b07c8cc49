"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        check: What was looked at, such as ``torch``.
        verdict: ``fail`` where training could not work.
        found: What is there.
        advice: What to do about it; empty where nothing is wrong.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict of several findings."""
    verdicts = {finding.verdict for finding in findings}
    return "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "ok"
