"""Object storage, whose errors are a user's to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import TypeVar

from serving.shared import StorageError
from umop.system.console import note
from umop.system.errors import FetchError, UserError

_MORE_TRIES = 4
_SECONDS_BETWEEN_TRIES = 5.0
_Result = TypeVar("_Result")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Says of what storage does not give or take whether the same command may succeed later.

    Raises:
        FetchError: It may.
        UserError: It would fail again.
    """
    try:
        yield
    except StorageError as error:
        kind = FetchError if error.is_temporary else UserError
        raise kind(f"{error}.") from error


def patiently(work: Callable[[], _Result]) -> _Result:
    """Does what needs storage, and does it again where a refusal may be over within seconds.

    What a pod may do can arrive after the pod. A wrong key is said after 20 s.

    Args:
        work: What is done; it may be broken off anywhere.

    Raises:
        FetchError: Storage does not answer, or refuses for now.
        UserError: It refuses.
    """
    with readable_errors():
        for number in range(_MORE_TRIES):
            try:
                return work()
            except StorageError as error:
                if not error.may_pass:
                    raise
                if number == 0:
                    seconds = _MORE_TRIES * _SECONDS_BETWEEN_TRIES
                    note(f"{error}: tried again for {seconds:.0f} s, for rights may come late")
                sleep(_SECONDS_BETWEEN_TRIES)
        return work()
