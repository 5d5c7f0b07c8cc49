"""What long work says of itself."""

from __future__ import annotations

import pytest

from umop import console


def test_long_work_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(console, "monotonic", lambda: now)
    count = console.Count("evaluating: picture", 100)
    for _ in range(50):
        now += 1.0
        count.advance()
    assert capsys.readouterr().err.splitlines() == [
        "evaluating: picture 20 of 100, about 80 s left",
        "evaluating: picture 40 of 100, about 60 s left",
    ]
