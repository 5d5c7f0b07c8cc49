from __future__ import annotations

import logging
import sys
from pathlib import Path

import httpx
import pytest

from serving.observability.logs import TextFormatter
from tests.serving.running import running
from tests.serving.waiting import wait_until


def test_a_path_cannot_forge_a_line(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path)) as server:
        httpx.get(f"{server.url}/%0a00:00:00%20INFO%20forged%0d%1b[2J%c2%85%e2%80%a8end")
        wait_until(lambda: "end" in server.log())
        lines = server.log().splitlines()
    [line] = [line for line in lines if "forged" in line]
    assert r"path=/\n00:00:00 INFO forged\r\x1b[2J\x85\u2028end status=404" in line


@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo", "one\vtwo", "one\x85two"])
def test_every_record_is_one_line(text: str) -> None:
    record = logging.makeLogRecord({"msg": text, "fields": {"key": text}})
    assert len(TextFormatter().format(record).splitlines()) == 1


def test_a_traceback_is_indented() -> None:
    try:
        raise ValueError("one\n00:00:00 INFO forged\r00:00:00 INFO forged")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed\n", "exc_info": sys.exc_info()})
    first, *others = TextFormatter().format(record).splitlines()
    assert first.endswith("failed")
    assert len(others) >= 4
    assert all(line.startswith("  ") for line in others)


def test_other_languages_stay_readable() -> None:
    record = logging.makeLogRecord({"msg": "Grüße, 世界"})
    assert "Grüße, 世界" in TextFormatter().format(record)
