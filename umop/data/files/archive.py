"""Data sets in a zip."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo, is_zipfile

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from serving.shared import (
    DAMAGED_ZIP,
    ZipBombError,
    cache_folder,
    sha256_of,
    unpacked_size,
)
from umop.system.errors import UserError
from umop.system.locks import exclusive_lock

_START = b"PK"
_SAYS_UTF8 = 0x800
ARCHIVE_SUFFIXES = (".zip", ".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zst")


def unpacked(path: Path) -> Path:
    """The folder in the cache that holds a zip's content, unpacked where it is not there yet.

    Raises:
        UserError: It is not a zip archive, is broken, or unpacks outside its folder or without end.
    """
    _require_zip(path)
    folder = cache_folder("data") / f"{path.stem}-{sha256_of(path)[:16]}"
    if folder.is_dir():
        return folder
    with exclusive_lock(folder.parent):
        if not folder.is_dir():
            _unpack(path, folder)
    return folder


def _unpack(path: Path, folder: Path) -> None:
    """Unpacks a zip; the folder is there when all of it is.

    Raises:
        UserError: The zip is broken, or unpacks outside the folder or without end.
    """
    scratch = folder.with_name(f".{folder.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with ZipFile(path) as archive:
            members = _checked(path, archive, folder.parent)
            title = f"{escape(path.name)}: unpacking"
            for member in track(members, title, console=Console(stderr=True)):
                archive.extract(member, scratch)
        scratch.rename(folder)
    except DAMAGED_ZIP as error:
        shutil.rmtree(scratch, ignore_errors=True)
        reason = str(error) or "it ends too early"
        raise UserError(f"{path} cannot be unpacked: {reason}.") from error
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise UserError(
            f"{path} cannot be unpacked to {folder}: {error.strerror or error}."
        ) from error


def _require_zip(path: Path) -> None:
    """Checks that a file is a zip with its end.

    Raises:
        UserError: It is not.
    """
    if is_zipfile(path):
        return
    with path.open("rb") as file:
        starts_as_zip = file.read(2) == _START
    if starts_as_zip or path.suffix.casefold() == ".zip":
        raise UserError(f"{path} is a damaged zip: its end is missing. Copy or download it again.")
    if path.suffix.casefold() in ARCHIVE_SUFFIXES:
        raise UserError(
            f"{path} is not a zip archive. Unpack it and give the folder, or make a zip of that."
        )
    raise UserError(
        f"{path} is a file. Give the folder that holds the data, such as {path.parent}, or a zip "
        "of it."
    )


def _checked(path: Path, archive: ZipFile, folder: Path) -> list[ZipInfo]:
    """The files of a zip.

    Raises:
        UserError: There are none, one would be written elsewhere or is a link, or they are too
            large together.
    """
    for member in archive.infolist():  # some programs for Windows write its own slashes
        member.filename = _name_of(member).replace("\\", "/")
    members = [member for member in archive.infolist() if not member.is_dir()]
    if not members:
        raise UserError(f"{path} holds no files.")
    for member in members:
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path} holds {member.filename!r}, which leads out of it.")
    try:
        size = unpacked_size(archive, path)
    except ZipBombError as error:
        raise UserError(f"{path} {error}.") from error
    folder.mkdir(parents=True, exist_ok=True)
    if size > shutil.disk_usage(folder).free:
        raise UserError(f"{path} needs {size / 1e9:.1f} GB in {folder}, which has less free.")
    return members


def _name_of(member: ZipInfo) -> str:
    """A file's name: in UTF-8 where it decodes so, which macOS does not say, or else in cp437."""
    if member.flag_bits & _SAYS_UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeDecodeError:
        return member.filename
