"""Writes on a condition, as one holder of a lease and others make them."""

from __future__ import annotations

import pytest

from serving.storage import ConflictError, Store, Tag


def replace_twice(store: Store) -> tuple[Tag, Tag]:
    """Replaces an object twice, and checks that whoever saw another one is refused."""
    first = store.replace("lease", b"one", None)
    with pytest.raises(ConflictError):
        store.replace("lease", b"two", None)
    second = store.replace("lease", b"two", first)
    with pytest.raises(ConflictError):
        store.replace("lease", b"three", first)
    return first, second
