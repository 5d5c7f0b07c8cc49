"""What all tests share: their order, and signals."""

from __future__ import annotations

import signal

import pytest

from tests.storage import place, storage, storage_session

__all__ = ["place", "storage", "storage_session"]

# Shells let background jobs ignore SIGINT, and the commands that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files with slow tests first, so that no process is left alone with one at the end."""
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)
