"""What long work says of itself."""

from __future__ import annotations

import contextlib
import logging

import pytest

from umop.system import console


def test_long_work_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(console, "monotonic", lambda: now)
    count = console.Count("evaluating: image", 100)
    for _ in range(50):
        now += 1.0
        count.advance()
    assert capsys.readouterr().err.splitlines() == [
        "evaluating: image 20 of 100, about 80 s left",
        "evaluating: image 40 of 100, about 60 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (80, "80 s"),
        (150, "2 min"),
        (3599, "1 h 0 min"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_lengths_of_time_are_in_words(seconds: float, text: str) -> None:
    assert console.duration(seconds) == text


@pytest.mark.parametrize("shown", [True, False])
def test_a_program_keeps_its_choice_of_what_logging_raises(
    monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", shown)
    with contextlib.suppress(ValueError), console.quietly():
        assert not logging.raiseExceptions
        raise ValueError
    assert logging.raiseExceptions is shown


def test_a_program_keeps_the_level_of_its_loggers(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("library")
    logger.setLevel(logging.INFO)
    with console.quiet_logger("library"):
        logger.warning("dropped")
    logger.info("kept")
    assert caplog.messages == ["kept"]
