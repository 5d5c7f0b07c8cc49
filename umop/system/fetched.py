"""Data that has an address: fetched once into this machine's cache, and held to it."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path

from serving.shared import ConflictError, Objects, Store, cache_folder, fetch, local_path
from umop.system.console import Count, counted, note
from umop.system.errors import FetchError, UserError
from umop.system.storage import patiently

_FOLDED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
_MEGABYTE = 1e6


def address_in(path: Path) -> str | None:
    """The address that a path was made of; None for a path of this machine.

    A ``Path`` folds the two slashes of ``s3://bucket`` into one.
    """
    match = _FOLDED.match(str(path))
    if match is None or path.exists():
        return None
    slashes = "///" if match[1].lower() == "file" else "//"
    return f"{match[1]}:{slashes}{str(path)[match.end() :]}"


def fetched_path(path: Path) -> Path:
    """Where the content of an address lies in the cache; a path of this machine as it is.

    Objects that were fetched before and have not changed are not moved again.

    Raises:
        FetchError: Storage does not answer, or an object was changed meanwhile; the same command
            goes on where this one stopped.
        UserError: There is nothing at the address, or storage refuses.
    """
    address = address_in(path)
    if address is None:
        return path
    return patiently(lambda: local_path(address) or _fetch(address))


def _fetch(address: str) -> Path:
    store = Store(address)
    single = store.look()
    found = [single] if single else store.objects()
    if not found:
        raise UserError(f"The data is not there: {address} has no object.")
    digest = blake2b(address.encode(), digest_size=8).hexdigest()
    folder = cache_folder("fetched") / digest / Path(address).name
    count = Count(f"fetching {address}: object", len(found))
    try:
        moved = fetch(Objects(store, found), folder, lambda _: count.advance())
    except ConflictError as error:
        raise FetchError(f"{error}: the same command fetches what is there now.") from error
    if moved:
        size = sum(each.size for each in moved) / _MEGABYTE
        note(f"Fetched {counted(len(moved), 'object')}, {size:.1f} MB, from {address} to {folder}")
    return folder
