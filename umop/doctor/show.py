"""The doctor's report, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from umop.doctor.diagnosis import Diagnosis, verdict_of

_CONCLUSIONS = {
    "ok": "Training works here.",
    "warn": "Training works here; see the warnings above.",
    "fail": "Training does not work here; see the failures above.",
}

_WIDTH = len("shared memory")


def as_lines(diagnosis: Diagnosis) -> str:
    """What was found, and in a second line what to do about it."""
    line = f"{diagnosis.verdict:4}  {diagnosis.check:{_WIDTH}}  {diagnosis.found}"
    return f"{line}\n{'':{_WIDTH + 8}}{diagnosis.advice}" if diagnosis.advice else line


def conclusion(diagnoses: Sequence[Diagnosis]) -> str:
    """The last line."""
    return _CONCLUSIONS[verdict_of(diagnoses)]


def diagnoses_as_json(diagnoses: Sequence[Diagnosis]) -> str:
    """The verdict and all diagnoses."""
    content = {"verdict": verdict_of(diagnoses), "checks": [asdict(each) for each in diagnoses]}
    return json.dumps(content, indent=2)
