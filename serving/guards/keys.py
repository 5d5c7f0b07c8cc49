"""API keys and rate limits."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

_HASHED = re.compile(r"sha256:([0-9a-f]{64})(\s+-)?", re.IGNORECASE)
_REMARK = re.compile(r"(^|\s)#.*")
_MOST_CALLERS = 10_000

_log = logging.getLogger(__name__)


class KeyRing:
    """API keys, held as SHA-256 only.

    Args:
        keys: Keys, or ``sha256:HEX`` of keys, with or without the ``-`` that ``sha256sum`` adds.
        file: More of them, one a line, ``#`` before remarks; read again when it changes.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not UTF-8 text, or a ``sha256:`` is not followed by a digest.
    """

    def __init__(self, keys: Iterable[str] = (), file: Path | None = None) -> None:
        self._fixed = [_digest(key) for key in keys]
        self._file = file
        self._state: tuple[int, int, int] | None = None
        self._from_file: list[bytes] = []
        if file:
            self._read(file)

    def find(self, key: str) -> str | None:
        """Returns the key's short name for logs and limits, or None for an unknown key.

        The time taken does not tell how much of a wrong key was right.

        Args:
            key: As Starlette has it from the header: a character for each byte.
        """
        self._refresh()
        digest = hashlib.sha256(key.encode("latin-1")).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._fixed + self._from_file]
        return digest.hex()[:8] if any(matches) else None

    def _refresh(self) -> None:
        if not self._file:
            return
        try:
            self._read(self._file)
        except (OSError, ValueError) as error:
            _log.warning(
                "the keys' file cannot be read; the keys read before stay valid: %s", error
            )

    def _read(self, file: Path) -> None:
        status = file.stat()
        state = (status.st_mtime_ns, status.st_size, status.st_ino)
        if state == self._state:
            return
        lines = (_REMARK.sub("", line).strip() for line in file.read_text("utf-8").splitlines())
        self._from_file = [_digest(line) for line in lines if line]
        self._state = state


def _digest(key: str) -> bytes:
    match = _HASHED.fullmatch(key)
    if match:
        return bytes.fromhex(match[1])
    if key.startswith("sha256:"):
        raise ValueError("'sha256:' must be followed by the 64 digits of a digest")
    return hashlib.sha256(key.encode()).digest()


class RateLimit:
    """A token bucket for each caller: a minute's worth at once, then refilled evenly.

    Args:
        per_minute: Requests a minute; 0 for no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Takes a token and returns 0, or returns the seconds until there is one."""
        if not self._per_minute:
            return 0
        now = monotonic()
        tokens, since = self._buckets.pop(caller, (float(self._per_minute), now))
        tokens = min(tokens + (now - since) * self._per_minute / 60, self._per_minute)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - allowed, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if allowed else (1 - tokens) * 60 / self._per_minute
