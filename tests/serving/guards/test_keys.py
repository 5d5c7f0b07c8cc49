"""Keys and rate limits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from serving.guards.keys import KeyRing, RateLimit


def test_the_keys_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("one  # for the web site\n\n# nobody\n")
    ring = KeyRing(file=file)
    assert ring.find("one")
    assert not ring.find("two")
    file.write_text("two\n")
    assert ring.find("two")
    assert not ring.find("one")
    file.unlink()
    assert ring.find("two"), "a file that is gone for a moment locks nobody out"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad\n", b"sha256:12ab\n"])
def test_a_keys_file_that_is_wrong_leaves_the_keys_as_they_were(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "keys"
    file.write_text("one")
    ring = KeyRing(file=file)
    file.write_bytes(content)
    assert ring.find("one")
    with pytest.raises(ValueError, match=r"codec|digest"):
        KeyRing(file=file)


def test_what_sha256sum_prints_is_a_key(tmp_path: Path) -> None:
    digest = hashlib.sha256("clé#1".encode()).hexdigest()
    file = tmp_path / "keys"
    file.write_text(f"sha256:{digest}  -  # the web site\nplain#1 # another\n#remark\n")
    ring = KeyRing(file=file)
    assert ring.find("clé#1".encode().decode("latin-1"))
    assert ring.find("plain#1")
    for wrong in ("plain", "remark", f"sha256:{digest}", f"sha256:{digest}  -"):
        assert not ring.find(wrong)


def test_a_bucket_refills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("serving.guards.keys.monotonic", lambda: now)
    limit = RateLimit(60)
    assert [limit.wait("a") for _ in range(60)] == [0] * 60
    assert limit.wait("a") == pytest.approx(1)
    now += 1.01
    assert limit.wait("a") == 0
    assert limit.wait("a") > 0


def test_no_limit_is_none_and_no_caller_pays_for_another() -> None:
    assert [RateLimit(0).wait("a") for _ in range(99)] == [0] * 99
    limit = RateLimit(1)
    assert limit.wait("a") == 0
    assert 59 < limit.wait("a") <= 60
    assert limit.wait("b") == 0


def test_callers_that_are_long_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.guards.keys._MOST_CALLERS", 2)
    limit = RateLimit(1)
    for caller in ("a", "b", "c"):
        assert limit.wait(caller) == 0
    assert limit.wait("c") > 0
    assert limit.wait("a") == 0, "its bucket is full, as a new one is"
