"""Downloads large files: resumed where they broke off, checked before they are used."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from umop.system.errors import UserError

ATTEMPTS = 5
"""Most attempts in a row that come no further than those before."""
_PAUSE = 0.25
"""Seconds before the next attempt; twice as many after each that came no further."""
_REPLACED = "the server has another file than the one that was begun"
_BLOCK = 1 << 20
_SECONDS_WITHOUT_A_BYTE = 60


class _BrokenOffError(Exception):
    """The connection ended before the file did, or what came before is of another file."""


@dataclass(frozen=True)
class _Part:
    """What has arrived of a file; beside it, which version of the file that is.

    Attributes:
        path: Holds it.
    """

    path: Path

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str:
        """The version that it is of; empty where the server named none."""
        return self._note.read_text("utf-8") if self._note.exists() else ""

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.version")

    def begin(self, version: str) -> None:
        """Starts again, with another version."""
        self.path.write_bytes(b"")
        self._note.write_text(version, "utf-8")

    def finish(self, path: Path) -> None:
        """Puts it where the file goes."""
        self.path.rename(path)
        self._note.unlink(missing_ok=True)

    def remove(self) -> None:
        """Deletes it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def download_file(url: str, path: Path, checksum: str | None = None) -> None:
    """Downloads a file, unless it is there.

    What has arrived is kept in ``<path>.part``; the next call continues from there, if the server
    still has that version of the file.

    Args:
        url: Of the file, http or https.
        path: Where it goes.
        checksum: Such as ``md5:442b8d…`` or ``sha256:0676ba61…``; the start of the digest will do.

    Raises:
        UserError: The server does not give the file, or gives another one.
    """
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(path.with_name(f"{path.name}.part"))
    with _bar() as progress:
        task = progress.add_task(path.name, total=None)
        try:
            _receive(url, part, progress, task)
        except (OSError, http.client.HTTPException, _BrokenOffError) as error:
            raise UserError(
                f"{url} could not be downloaded: {error or type(error).__name__}. Run this again "
                f"to go on where it stopped, or put the file at {path} yourself."
            ) from error
    if checksum is not None and not matches(part.path, checksum):
        part.remove()
        raise UserError(
            f"{url} is not the file that it should be: its checksum is not {checksum}. What was "
            "downloaded is deleted; run this again."
        )
    part.finish(path)


def _receive(url: str, part: _Part, progress: Progress, task: TaskID) -> None:
    """Appends to a file until it is whole, reconnecting where that breaks off.

    Args:
        url: Where the file is.
        part: What there is of it.
        progress: Shows how far it is.
        task: That of the file.
    """
    failures, furthest = 0, part.size
    while True:
        try:
            return _receive_once(url, part, progress, task)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, _BrokenOffError):
            failures = 0 if part.size > furthest else failures + 1
            if failures == ATTEMPTS:
                raise
            furthest = max(furthest, part.size)
            time.sleep(_PAUSE * 2**failures)


def _receive_once(url: str, part: _Part, progress: Progress, task: TaskID) -> None:
    """Appends to ``part`` what one connection gives.

    Some servers do not heed ``If-Range``, so their answer is compared, too.
    """
    version = part.version
    start = part.size if version else 0
    asked = {"Range": f"bytes={start}-", "If-Range": version} if start else {}
    request = urllib.request.Request(url, headers=asked)
    try:
        response = urllib.request.urlopen(request, timeout=_SECONDS_WITHOUT_A_BYTE)
    except urllib.error.HTTPError as error:
        if not start or error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers["Content-Range"] == f"bytes */{start}":
            return
        part.remove()
        raise _BrokenOffError(_REPLACED) from error
    with response:
        resumed = start and response.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumed and _version_of(response) != version:
            part.remove()
            raise _BrokenOffError(_REPLACED)
        if not resumed:
            part.begin(_version_of(response))
            start = 0
        left = getattr(response, "length", None) or 0  # None where no number says it
        progress.update(task, total=start + left or None, completed=start)
        with part.path.open("ab") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                progress.update(task, advance=len(block))
    if part.size < start + left:
        raise _BrokenOffError(f"it broke off after {part.size} of {start + left} bytes")


def _version_of(response: http.client.HTTPResponse) -> str:
    """What names a version of a file to the byte: a strong ETag, else the time of its change."""
    etag = response.headers["ETag"] or ""
    return etag if etag.startswith('"') else response.headers["Last-Modified"] or ""


def matches(path: Path, checksum: str) -> bool:
    """Whether a file has a checksum, or one that starts so."""
    algorithm, _, digest = checksum.partition(":")
    with path.open("rb") as file:
        hasher = hashlib.new(algorithm)
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest().startswith(digest)


def _bar() -> Progress:
    """A progress bar on stderr."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
