"""Order, bounds and progress of the work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from threading import Event

import pytest

from serving.predict import progress
from serving.predict.pipeline import in_order
from serving.predict.progress import Progress


def test_results_keep_the_order_and_few_things_are_held() -> None:
    taken: list[int] = []
    may_end = Event()

    def things() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            if number == 5:
                may_end.set()
            yield number

    def work(number: int) -> int:
        if number == 0:
            assert may_end.wait(20), "the others go on meanwhile"
        return 10 * number

    results = in_order(work, things(), 3)
    assert next(results) == 0
    assert len(taken) == 6
    assert list(results) == [10 * number for number in range(1, 50)]


def test_a_result_does_not_wait_for_the_next_thing_to_be_slow() -> None:
    def things() -> Iterator[int]:
        yield 1
        time.sleep(0.2)
        yield 2
        yield from (pytest.fail("it is too early for the third") for _ in "1")

    assert next(in_order(lambda number: number, things(), 4)) == 1


def test_an_error_ends_the_work() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise RuntimeError("the network failed")
        return number

    results = in_order(work, range(10**9), 2)
    with pytest.raises(RuntimeError, match="the network failed"):
        list(results)


def test_a_log_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(0, 10_000, 3))
    monkeypatch.setattr(progress, "monotonic", lambda: float(next(seconds)))
    with Progress(lambda: 500, is_shown=True) as shown:
        while shown._total is None:
            time.sleep(0.01)
        for number in range(100):
            shown.advance(was_there=number < 10)
    lines = capsys.readouterr().err.splitlines()
    assert 10 < len(lines) < 40
    assert re.fullmatch(r"9\d of 500 images, about 0:\d\d:\d\d left", lines[-1])
