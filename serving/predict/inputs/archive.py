"""Images in a zip, which is not unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from serving.predict.inputs.errors import InputError
from serving.predict.inputs.files import is_wanted
from serving.predict.inputs.item import MOST_FILE_BYTES, Item, broken, read_bounded, too_large
from serving.schemas.names import IMAGE_SUFFIXES
from serving.zips import UNREADABLE_ZIP, ZipBombError, unpacked_size


@dataclass(frozen=True)
class Archive:
    """A zip.

    Attributes:
        path: The file.
        name: What it is called.
        prefix: What names have before their path in the zip.
    """

    path: Path
    name: str
    prefix: str

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``; the zip is closed when the last item of it is let go."""
        try:
            archive = ZipFile(self.path)
            members = _members(archive, self.path)
        except (InputError, *UNREADABLE_ZIP) as error:
            yield broken(self.name, InputError(f"cannot be read as a zip: {error}"))
            return
        for member in members:
            stamp = f"{member.file_size}-{member.CRC:08x}"
            load = partial(_read, archive, member)
            yield Item(self.prefix + member.filename, stamp, load, is_file=False)

    def count(self) -> int:
        """See ``PathInput.count``."""
        return sum(1 for _ in self.items())


def _members(archive: ZipFile, path: Path) -> list[ZipInfo]:
    """The images of a zip; of several with one name the last, as programs that unpack leave it.

    Raises:
        InputError: It would unpack to far more than it holds, or holds no images.
    """
    try:
        unpacked_size(archive, path)
    except ZipBombError as error:
        raise InputError(f"it {error}") from error
    members = {each.filename: each for each in archive.infolist() if _is_image(each)}
    if not members:
        raise InputError("it holds no images")
    return list(members.values())


def _is_image(member: ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    is_image = path.suffix.lower() in IMAGE_SUFFIXES and is_wanted(path.name)
    return is_image and not member.is_dir()


def _read(archive: ZipFile, member: ZipInfo) -> bytes:
    if member.file_size > MOST_FILE_BYTES:
        raise too_large()
    try:
        with archive.open(member) as file:
            return read_bounded(file)
    except UNREADABLE_ZIP as error:
        raise InputError(f"cannot be unpacked: {error or 'it ends too early'}") from error
