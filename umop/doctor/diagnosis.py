"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Diagnosis:
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


def verdict_of(diagnoses: Iterable[Diagnosis]) -> Verdict:
    """The worst verdict of several diagnoses."""
    verdicts = {diagnosis.verdict for diagnosis in diagnoses}
    return "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "ok"
