"""Object storage, whose errors are a user's to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serving.shared import StorageError
from umop.system.errors import FetchError, UserError


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
