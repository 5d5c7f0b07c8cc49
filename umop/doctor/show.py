"""The doctor's report, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from umop.doctor.finding import Finding, verdict_of

_CONCLUSIONS = {
    "ok": "Training works here.",
    "warn": "Training works here; see the warnings above.",
    "fail": "Training does not work here; see the failures above.",
}

_WIDTH = len("shared memory")


def as_lines(finding: Finding) -> str:
    """What was found, and in a second line what to do about it."""
    line = f"{finding.verdict:4}  {finding.check:{_WIDTH}}  {finding.found}"
    return f"{line}\n{'':{_WIDTH + 8}}{finding.advice}" if finding.advice else line


def conclusion(findings: Sequence[Finding]) -> str:
    """The last line."""
    return _CONCLUSIONS[verdict_of(findings)]


def as_json(findings: Sequence[Finding]) -> str:
    """The verdict and all findings."""
    content = {"verdict": verdict_of(findings), "checks": [asdict(each) for each in findings]}
    return json.dumps(content, indent=2)
