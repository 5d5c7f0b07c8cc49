"""How many images are in progress at a time."""

from __future__ import annotations

import pytest

from serving.guards.admission import Admission, OverloadedError
from serving.observability.metrics import Metrics


def test_a_slot_is_held_until_the_answer() -> None:
    admission = Admission(1, Metrics())
    with admission.admit():
        with pytest.raises(OverloadedError, match="the queue of images is full"):
            admission.require_slot()
        with pytest.raises(OverloadedError), admission.admit():
            pass
    admission.require_slot()


def test_an_error_frees_the_slots() -> None:
    admission = Admission(2, Metrics())
    with pytest.raises(KeyError), admission.admit(2):
        raise KeyError
    with admission.admit(2):
        pass


def test_a_batch_gets_all_its_slots_or_none() -> None:
    admission = Admission(3, Metrics())
    with admission.admit(2):
        with pytest.raises(OverloadedError), admission.admit(2):
            pass
        with admission.admit(1):
            pass
