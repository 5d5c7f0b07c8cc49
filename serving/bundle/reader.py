"""The bundle: all that passes from training to serving.

A bundle is a folder, or the same files in one zip: ``manifest.json`` beside the model files it
lists with their SHA-256, and ``model.sig`` where it is signed. Nothing in it is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from pydantic import ValidationError

from serving.bundle.errors import BundleError, SignatureError
from serving.bundle.remote import fetched_bundle
from serving.bundle.replace import may_be_replaced, replace_folder
from serving.bundle.schema import MANIFEST, SCHEMA_VERSION, FileEntry, Manifest
from serving.bundle.signature import SIGNATURE, SIGNATURE_MAX_BYTES, Signer, Verifier
from serving.schemas.validation import first_error
from serving.storage.digest import sha256_of, sha256_of_stream
from serving.zips import DAMAGED_ZIP, UNREADABLE_ZIP

_MANIFEST_MAX_BYTES = 4 * 2**20
_MAX_COMPRESSION = 20


class Bundle:
    """A checked bundle, in a folder or a zip.

    Attributes:
        path: The folder or the zip.
        manifest: Its manifest.
        is_verified: Whether its signature was checked when it was opened.
        origin: What ``version_of`` says of where it comes from, as long as this bundle is there.
    """

    def __init__(
        self, path: Path, manifest: Manifest, *, is_verified: bool = False, origin: str = ""
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.is_verified = is_verified
        self.origin = origin

    @classmethod
    def open(cls, path: str | Path, *, verify_key: Path | None = None) -> Bundle:
        """Opens a bundle and checks every file's size and SHA-256.

        Args:
            path: The bundle's folder or zip; or its address, from where it goes into the cache.
            verify_key: The public key that it must be signed with; None to check no signature.

        Raises:
            BundleError: It is missing, damaged, of another schema version, or not signed with
                the key; or the key cannot be used.
        """
        verifier = None if verify_key is None else Verifier(verify_key)
        with fetched_bundle(path) as found:
            return cls._open(*found, verifier)

    @classmethod
    def _open(cls, path: Path, origin: str, verifier: Verifier | None) -> Bundle:
        try:
            text = _read(path, MANIFEST, _MANIFEST_MAX_BYTES)
            if verifier:
                verifier.verify(text, _require_signature(path))
            bundle = cls(path, _parse(text), is_verified=verifier is not None, origin=origin)
            bundle._check_zip()
            for name, entry in bundle.manifest.files.items():
                bundle._check(name, entry)
        except UNREADABLE_ZIP as error:
            raise BundleError(f"{path}: {_reason(path, error)}") from error
        except BundleError as error:
            raise type(error)(f"{path}: {error}") from error
        return bundle

    @classmethod
    def write(cls, folder: str | Path, manifest: Manifest) -> Bundle:
        """Writes ``manifest.json`` into a folder that holds the model's files.

        The manifest's ``files`` is filled with the digest of every file in the folder. A signature
        of the manifest before is deleted.
        """
        folder = Path(folder)
        (folder / SIGNATURE).unlink(missing_ok=True)
        entries = {
            path.relative_to(folder).as_posix(): _describe(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != folder / MANIFEST
        }
        manifest = Manifest.model_validate({**manifest.model_dump(), "files": entries})
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return cls.open(folder)

    def sign(self, signer: Signer) -> Path:
        """Writes ``model.sig`` into the bundle, which must be a folder, and returns its path."""
        target = self.path / SIGNATURE
        target.write_bytes(signer.sign(_read(self.path, MANIFEST, _MANIFEST_MAX_BYTES)))
        return target

    def pack(self, target: str | Path) -> Path:
        """Writes the bundle, with its signature, as one uncompressed zip at ``target``.

        The same bundle makes the same zip, to the byte. Each file's SHA-256 is checked as it is
        packed.

        Raises:
            BundleError: A file was changed since the bundle was opened.
        """
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in self._contents():
                archive.writestr(_member(name), content)
        return Path(target)

    def copy(self, folder: str | Path) -> Path:
        """Writes the bundle, with its signature, into a folder; a bundle that is there is replaced.

        Each file's SHA-256 is checked as it is copied. The folder appears only when it is whole.

        Raises:
            BundleError: A file was changed since the bundle was opened, or the folder holds
                something else than a bundle.
        """
        folder = Path(folder).absolute()
        if not may_be_replaced(folder):
            raise BundleError(f"{folder}: holds something else than a bundle; name another folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            draft = Path(scratch) / "draft"
            for name, content in self._contents():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                (draft / name).write_bytes(content)
            replace_folder(folder, draft, Path(scratch) / "before")
        return folder

    def read(self, name: str) -> bytes:
        """Returns the content of a listed file, whose SHA-256 is checked again.

        Raises:
            BundleError: The bundle has no such file, or it was changed since it was opened.
        """
        entry = self.manifest.files.get(name)
        if entry is None:
            reason = self.manifest.absent.get(name)
            raise BundleError(f"{self.path}: holds no {name}{f' ({reason})' if reason else ''}")
        content = _read(self.path, name, entry.bytes)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BundleError(f"{self.path}: {name} was changed since the bundle was opened")
        return content

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the bundle, its signature included, by name."""
        yield MANIFEST, _read(self.path, MANIFEST, _MANIFEST_MAX_BYTES)
        yield from ((name, self.read(name)) for name in self.manifest.files)
        signature = _read_signature(self.path)
        if signature is not None:
            yield SIGNATURE, signature

    def _check_zip(self) -> None:
        """Raises ``BundleError`` for a zip with unlisted files, or a decompression bomb."""
        if self.path.is_dir():
            return
        with _open_zip(self.path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
        known = {MANIFEST, SIGNATURE, *self.manifest.files}
        unlisted = {member.filename for member in members} - known
        if unlisted:
            raise BundleError(f"it holds {min(unlisted)!r}, which its manifest does not list")
        unpacked = sum(member.file_size for member in members)
        if unpacked > _MAX_COMPRESSION * self.path.stat().st_size:
            raise BundleError(
                f"it unpacks to {unpacked} bytes, more than {_MAX_COMPRESSION} times its own size"
            )

    def _check(self, name: str, entry: FileEntry) -> None:
        with _opened(self.path, name) as (stream, size):
            if size != entry.bytes:
                raise BundleError(f"{name} has {size} bytes, the manifest says {entry.bytes}")
            if sha256_of_stream(stream) != entry.sha256:
                raise BundleError(f"{name} is damaged: its SHA-256 is not the manifest's")


def _parse(text: bytes) -> Manifest:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{MANIFEST} is not JSON: {error}") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{MANIFEST} has schema version {version!r}; this program reads {SCHEMA_VERSION}"
        )
    try:
        manifest = Manifest.model_validate(fields)
        json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    except ValidationError as error:
        raise BundleError(f"{MANIFEST}: {first_error(error, 'manifest')}") from error
    except ValueError as error:
        reason = "a text that is not Unicode, or a number that JSON has not"
        raise BundleError(f"{MANIFEST} holds {reason}: {error}") from error
    return manifest


def _open_file(path: Path) -> BinaryIO:
    """Opens a file; a pipe or a device, whose reading might never end, is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise BundleError(f"{path.name} is not a regular file")
    return stream


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with _open_file(path) as stream, zipfile.ZipFile(stream) as archive:
        yield archive


@contextmanager
def _opened(bundle: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    if bundle.is_dir():
        with _open_file(bundle / name) as stream:
            yield stream, os.fstat(stream.fileno()).st_size
        return
    with _open_zip(bundle) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise FileNotFoundError(2, "No such file in the zip", name) from None
        with archive.open(info) as stream:
            yield stream, info.file_size  # type: ignore[misc]  # IO[bytes], read only here


def _read(bundle: Path, name: str, limit: int) -> bytes:
    with _opened(bundle, name) as (stream, size):
        if size > limit:
            raise BundleError(f"{name} has {size} bytes, more than {limit}")
        return stream.read()


def _read_signature(bundle: Path) -> bytes | None:
    try:
        return _read(bundle, SIGNATURE, SIGNATURE_MAX_BYTES)
    except FileNotFoundError:
        return None


def _member(name: str) -> zipfile.ZipInfo:
    """A file of a zip, without the time at which it is written."""
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def _require_signature(bundle: Path) -> bytes:
    signature = _read_signature(bundle)
    if signature is None:
        raise SignatureError(f"it has no signature ({SIGNATURE}): sign it with umop sign")
    return signature


def _describe(path: Path) -> FileEntry:
    return FileEntry(sha256=sha256_of(path), bytes=path.stat().st_size)


def _reason(path: Path, error: Exception) -> str:
    if not path.exists():
        return "no such bundle; umop export RUN makes one"
    if isinstance(error, FileNotFoundError):
        return f"not a bundle: it has no {Path(str(error.filename)).name}"
    if isinstance(error, DAMAGED_ZIP):
        return f"not a bundle: neither a folder nor a valid zip ({error})"
    return str(error)
