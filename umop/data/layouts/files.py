"""The files of a data set, found however an annotation writes their names."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from umop.system.errors import UserError

IMAGES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
SPLIT_WORDS = {
    "train": ("train", "training", "trainval"),
    "val": ("val", "valid", "validation", "validate", "eval"),
    "test": ("test", "testing"),
}
HEAD = 65536
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Files:
    """The files below a folder.

    Names are compared without regard to case and to how Unicode composes their letters (macOS
    takes umlauts apart) where no file has the exact name.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = list(walk(root))
        self.exact = set(self.names)
        self.folded = {folded(name): name for name in self.names}
        images = [name for name in self.names if is_image(name)]
        self.by_base = unique((base(name), name) for name in images)
        self.by_stem = unique((stem(base(name)), name) for name in images)
        self.by_path_stem = {folded(stem(name)): name for name in images}
        self.suffixes = Counter(PurePosixPath(name).suffix.casefold() for name in self.names)

    def path(self, name: str) -> Path:
        """The path of a file that is known by its name."""
        return self.root / name

    def matching(self, *suffixes: str) -> list[Path]:
        """The files with one of some suffixes, by name."""
        found = (name for name in self.names if name.casefold().endswith(suffixes))
        return [self.root / name for name in sorted(found)]

    def images(self, below: Path | None = None) -> list[Path]:
        """The images, all or those below a folder, by name."""
        found = self.matching(*IMAGES)
        return found if below is None else [path for path in found if path.is_relative_to(below)]

    def named(self, name: str) -> Path | None:
        """The file of a name relative to the root, None if there is none."""
        if name in self.exact:
            return self.root / name
        found = self.folded.get(folded(name))
        return None if found is None else self.root / found

    def image(self, written: str, folders: Iterable[str] = ("",)) -> Path | None:
        """Finds the image that an annotation names.

        Args:
            written: The name in the annotation: relative or absolute, with either slash, with or
                without the suffix.
            folders: Where to look first, relative to the root.

        Returns:
            Its file; None where there is none, or several of that name in other folders.
        """
        name = written.strip().replace("\\", "/")
        for folder in folders:
            if found := self.named(joined(folder, name)) or self.without_suffix(folder, name):
                return found
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        for start in range(len(parts)):
            if found := self.named("/".join(parts[start:])):
                return found
        if name.startswith("/") and is_image(name) and is_file(Path(name)):
            return Path(name)
        last = folded(parts[-1]) if parts else ""
        found_name = self.by_base.get(last) or self.by_stem.get(last)
        return None if found_name is None else self.root / found_name

    def without_suffix(self, folder: str, name: str) -> Path | None:
        """The image in a folder whose name lacks its suffix in the annotation."""
        found = self.by_path_stem.get(folded(joined(folder, name)))
        return None if found is None else self.root / found


def walk(root: Path) -> Iterator[str]:
    """The names of all files below a folder; links to folders are followed.

    Hidden files are left out, and runs: a folder of images may be where training is started.
    """
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or is_run(folder, files):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        prefix = "" if folder == str(root) else f"{PurePosixPath(folder).relative_to(root)}/"
        yield from (prefix + name for name in files if not name.startswith("."))


def is_run(folder: str, files: Sequence[str]) -> bool:
    """Whether a folder is one of training's runs."""
    return ".lock" in files and Path(folder).parent.name == "runs"


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Maps keys to names, without the keys that several names have."""
    found: dict[str, str | None] = {}
    for key, name in pairs:
        found[key] = name if key not in found else None
    return {key: name for key, name in found.items() if name is not None}


def joined(folder: str, name: str) -> str:
    return os.path.normpath(f"{folder}/{name}" if folder else name)


def base(name: str) -> str:
    return folded(name.rpartition("/")[2])


def folded(name: str) -> str:
    """A name without regard to case and to how Unicode composes its letters."""
    return unicodedata.normalize("NFC", name).casefold()


def stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def is_image(name: str) -> bool:
    return name.casefold().endswith(IMAGES)


def is_file(path: Path) -> bool:
    """Whether a file is there; there is none of a name that is longer than the system allows."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_bytes(path: Path, most: int = -1) -> bytes:
    """Reads a file, or its first bytes.

    Raises:
        UserError: It cannot be read, such as a link that leads nowhere or a pipe.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a pipe or a device, not a file. Remove it from the data.")
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        link = f", a link to {path.readlink()}" if path.is_symlink() else ""
        raise UserError(f"{path} cannot be read{link}: {error.strerror}.") from error


def read_text(path: Path) -> str:
    """Reads a text file, with or without a byte order mark; in Latin-1 if it is not UTF-8."""
    content = read_bytes(path)
    if content.startswith(UTF16_MARKS):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_json(path: Path) -> Any:
    """Reads JSON, with or without a byte order mark.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except RecursionError as error:
        raise ValueError("it is nested without end") from error


def read_xml(path: Path) -> ElementTree.Element:
    """Reads XML.

    Raises:
        ValueError: It is not XML, or in an encoding that is not known, such as GB2312.
    """
    content = read_bytes(path)
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    except (LookupError, ValueError) as error:
        raise ValueError(f"{error}: save it as UTF-8") from error


def head(path: Path) -> str:
    """The start of a file, to see what it is."""
    content = read_bytes(path, HEAD)
    is_utf16 = content.startswith(UTF16_MARKS)
    return content.decode("utf-16" if is_utf16 else "utf-8", errors="replace")


def split_of(path: Path, root: Path) -> str | None:
    """The split that a file's folders say, such as ``valid/a.jpg``; None if none does."""
    parts = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return next((split for part in reversed(parts) if (split := split_in(part))), None)


def split_of_list(path: Path, root: Path) -> str | None:
    """The split that the name of an annotation file says, or its folders."""
    return split_in(path.stem) or split_of(path, root)


def split_in(name: str) -> str | None:
    """The split that one of a name's words is."""
    words = re.findall(r"[a-z]+", name.casefold())
    known = ((split, word) for split, names in SPLIT_WORDS.items() for word in names)
    return next((split for split, word in known if word in words), None)
