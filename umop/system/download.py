"""Downloads large files: resumed where they broke off, checked before they are used."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
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

from umop.system.errors import MachineError, UserError, is_of_full_disk

ATTEMPTS = 5
"""Most attempts in a row that come no further than those before."""
_PAUSE = 0.25
"""Seconds before the next attempt; twice as many after each that came no further."""
_BLOCK = 1 << 20
_SECONDS_WITHOUT_A_BYTE = 60


class _BrokenOffError(Exception):
    """The connection ended before the file did."""


def download_file(url: str, path: Path, checksum: str | None = None) -> None:
    """Downloads a file, unless it is there.

    What has arrived is kept in ``<path>.part``. The next call continues from there where a checksum
    tells whether both are of one file, and begins again where there is none.

    Args:
        url: Of the file, http or https.
        path: Where it goes.
        checksum: Such as ``md5:442b8d…`` or ``sha256:0676ba61…``; the start of the digest will do.

    Raises:
        MachineError: The disk is full.
        UserError: The server does not give the file, or gives another one.
    """
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    if checksum is None:
        part.unlink(missing_ok=True)
    with _bar() as progress:
        task = progress.add_task(path.name, total=None)
        try:
            _receive(url, part, progress, task)
        except (OSError, http.client.HTTPException, _BrokenOffError) as error:
            raise (MachineError if is_of_full_disk(error) else UserError)(
                f"{url} could not be downloaded: {error or type(error).__name__}. Run this again "
                f"to go on where it stopped, or put the file at {path} yourself."
            ) from error
    if checksum is not None and not matches(part, checksum):
        part.unlink()
        raise UserError(
            f"{url} is not the file that it should be: its checksum is not {checksum}. What was "
            "downloaded is deleted; run this again."
        )
    part.rename(path)


def _receive(url: str, part: Path, progress: Progress, task: TaskID) -> None:
    """Appends to a file until it is whole, reconnecting where that breaks off.

    Args:
        url: Where the file is.
        part: What there is of it.
        progress: Shows how far it is.
        task: That of the file.
    """
    failures, furthest = 0, _size(part)
    while True:
        try:
            return _receive_once(url, part, progress, task)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, _BrokenOffError):
            failures = 0 if _size(part) > furthest else failures + 1
            if failures == ATTEMPTS:
                raise
            furthest = max(furthest, _size(part))
            time.sleep(_PAUSE * 2**failures)


def _receive_once(url: str, part: Path, progress: Progress, task: TaskID) -> None:
    """Appends to ``part`` what one connection gives."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=_SECONDS_WITHOUT_A_BYTE)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        start = start if resumed else 0
        left = getattr(response, "length", None) or 0  # None where no number says it
        progress.update(task, total=start + left or None, completed=start)
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                progress.update(task, advance=len(block))
    if _size(part) < start + left:
        raise _BrokenOffError(f"it broke off after {_size(part)} of {start + left} bytes")


def matches(path: Path, checksum: str) -> bool:
    """Whether a file has a checksum, or one that starts so."""
    algorithm, _, digest = checksum.partition(":")
    with path.open("rb") as file:
        hasher = hashlib.new(algorithm)
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest().startswith(digest)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bar() -> Progress:
    """A progress bar on stderr."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
