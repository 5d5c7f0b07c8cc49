"""What is at an address: listed, read and written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from serving.storage.address import Address
from serving.storage.errors import ConflictError, StorageError, final_errors, translated
from serving.storage.variables import require_usable

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PART_BYTES = 8 * 2**20
_UPLOADS = 4
"""Parts of one object that are sent at the same time."""
_CLIENT = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "1h"}
_SECONDS_TO_UPLOAD = 300
"""For the parts that are sent together: an answer cannot come before them."""
_NO_RANGES = "non-partial response"
"""What obstore says where a server gives objects only as a whole."""
_TRIES = 5
_MOST_LISTED = 5_000_000


class Tag(NamedTuple):
    """Tells one state of an object from all others; clouds look at one or the other part.

    Attributes:
        etag: What S3 and Azure compare.
        generation: What Google's storage compares.
    """

    etag: str
    generation: str | None

    def condition(self) -> dict[str, str]:
        """What obstore compares; it takes no None."""
        return {"e_tag": self.etag, **({"version": self.generation} if self.generation else {})}


@dataclass(frozen=True)
class StoredObject:
    """An object, as storage describes it.

    Attributes:
        name: Below the address that was opened; empty for the object at the address itself.
        size: In bytes.
        etag: Changes whenever the content does.
        modified: By storage's clock.
        generation: Likewise, where storage counts its writes.
    """

    name: str
    size: int
    etag: str
    modified: datetime
    generation: str | None = None

    @property
    def tag(self) -> Tag:
        """What a conditional write expects."""
        return Tag(self.etag, self.generation)


class Store:
    """The objects at and below an address.

    Credentials come from where the cloud puts them: the variables of its own tools, a workload
    identity, or the machine's metadata. ``AWS_ENDPOINT_URL`` names another server for ``s3://``.

    Args:
        address: Such as ``s3://bucket/models``.

    Raises:
        StorageError: The address is not valid, or nothing says which account it is in.
    """

    def __init__(self, address: str) -> None:
        import obstore  # here, because most starts need none of it
        from obstore.store import from_url

        self.address = address.rstrip("/")
        parsed = Address.parse(address)
        require_usable(os.environ)
        self._prefix = parsed.path
        self._obstore = obstore
        allow_http = parsed.scheme != "https"  # which only an endpoint of the user's can ask for

        def opened(**limits: str) -> Any:
            options: Any = {"client_options": {**_CLIENT, **limits, "allow_http": allow_http}}
            return from_url(parsed.root, retry_config={"max_retries": _TRIES}, **options)

        with final_errors(), translated(address):
            self._store = opened()
            self._upload_store = opened(read_timeout=f"{_SECONDS_TO_UPLOAD}s")

    def look(self, name: str = "") -> StoredObject | None:
        """Describes an object; None where there is none.

        Raises:
            StorageError: Storage cannot be asked.
        """
        if not self._key(name):
            return None
        with translated(self.named(name)):
            try:
                return _described(self._obstore.head(self._store, self._key(name)), name)
            except FileNotFoundError:
                return None

    def objects(self, below: str = "", most: int = _MOST_LISTED) -> list[StoredObject]:
        """Describes all objects below the address, by name.

        Args:
            below: Only those below this name.
            most: So many are expected at most.

        Raises:
            StorageError: Storage cannot be asked, or there are more.
        """
        found = list(islice(self.each(below), most + 1))
        if len(found) > most:
            raise StorageError(f"{self.named(below)}: holds more than {most} objects")
        return sorted(_without_folders(found), key=lambda each: each.name)

    def each(self, below: str = "") -> Iterator[StoredObject]:
        """Describes objects below the address, one after another while storage lists them.

        Raises:
            StorageError: Storage cannot be asked.
        """
        if self.address.lower().startswith("https:"):
            raise StorageError(f"{self.address}: there is no such file; https has no folders")
        skipped = len(self._prefix) + 1 if self._prefix else 0
        with translated(self.named(below)):
            for page in self._obstore.list(self._store, self._key(below) or None):
                yield from (_described(meta, meta["path"][skipped:]) for meta in page)

    def read(self, name: str, most: int = 16 * 2**20) -> tuple[bytes, StoredObject] | None:
        """Returns a small object's content and description; None where there is none.

        Raises:
            StorageError: Storage cannot be asked, or the object is larger than ``most``.
        """
        with translated(self.named(name)):
            try:
                result = self._obstore.get(self._store, self._key(name))
            except FileNotFoundError:
                return None
            if result.meta["size"] > most:
                raise StorageError(f"{self.named(name)}: is larger than {most} bytes")
            return bytes(result.bytes()), _described(result.meta, name)

    def stream(self, wanted: StoredObject, start: int) -> Iterator[bytes]:
        """Yields the content of an object from a byte on.

        Raises:
            StorageError: It is another object now, or the transfer broke off.
        """
        with translated(self.named(wanted.name)):
            result, skipped = self._get(self._key(wanted.name), start)
            if _described(result.meta, wanted.name).etag != wanted.etag:
                raise ConflictError(
                    f"{self.named(wanted.name)}: it was changed while it was fetched"
                )
            for chunk in result.stream(min_chunk_size=_PART_BYTES):
                yield chunk[skipped:]
                skipped = max(0, skipped - len(chunk))

    def _get(self, key: str, start: int) -> tuple[Any, int]:
        """Asks for an object from a byte on; returns the answer, and how much of it is before."""
        if start:
            try:
                ranged: Any = {"range": {"offset": start}}
                return self._obstore.get(self._store, key, options=ranged), 0
            except self._obstore.exceptions.GenericError as error:
                if _NO_RANGES not in str(error):
                    raise
        return self._obstore.get(self._store, key), start

    def write(self, name: str, content: bytes | IO[bytes]) -> None:
        """Writes an object: as a whole, or not at all.

        Raises:
            StorageError: Storage does not take it.
        """
        with translated(self.named(name)):
            self._obstore.put(
                *(self._upload_store, self._key(name), content),
                chunk_size=_PART_BYTES,
                max_concurrency=_UPLOADS,
            )

    def replace(self, name: str, content: bytes, before: Tag | None) -> Tag:
        """Writes a small object, if nobody else did meanwhile.

        Args:
            name: Of the object.
            content: What it is to hold.
            before: The tag of the object to replace; None where there must be none.

        Returns:
            The new one.

        Raises:
            ConflictError: Another program was first.
            StorageError: Storage does not take it.
        """
        mode: Any = "create" if before is None else before.condition()
        try:
            with translated(self.named(name)):
                result = self._obstore.put(
                    *(self._store, self._key(name), content), mode=mode, use_multipart=False
                )
            return Tag(str(result["e_tag"]), result["version"])
        except ConflictError:
            now = self.read(name)
            if now is None or now[0] != content:  # else it arrived, and its answer was lost
                raise
            return now[1].tag

    def delete(self, names: list[str]) -> None:
        """Deletes objects; those that are not there are no error.

        Raises:
            StorageError: Storage cannot be asked.
        """
        for name in names:
            with translated(self.named(name)):
                try:
                    self._obstore.delete(self._store, self._key(name))
                except FileNotFoundError:
                    continue

    def named(self, name: str) -> str:
        """The address of an object, for people."""
        return f"{self.address}/{name}" if name else self.address

    def _key(self, name: str) -> str:
        return "/".join(part for part in (self._prefix, name) if part)


def _described(meta: ObjectMeta, name: str) -> StoredObject:
    modified = meta["last_modified"]
    etag = meta["e_tag"] or f"{modified.isoformat()}-{meta['size']}"
    return StoredObject(name, meta["size"], etag, modified, meta["version"])


def _without_folders(found: list[StoredObject]) -> list[StoredObject]:
    """Leaves out the empty objects that some programs write in place of folders."""
    parents = {each.name[:at] for each in found for at in _slashes(each.name)}
    return [each for each in found if each.size or each.name not in parents | {""}]


def _slashes(name: str) -> Iterator[int]:
    return (at for at, letter in enumerate(name) if letter == "/")
