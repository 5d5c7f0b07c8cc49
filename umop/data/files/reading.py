"""Reads files as they come: with byte order marks, in other encodings, cut off."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree

from umop.system.errors import UserError

HEAD = 65536
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ROOT_TAG = re.compile(r"<([A-Za-z_][\w:.-]*)")
_NO_ELEMENTS = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(\[.*?\])?[^>]*>", re.DOTALL)


def require_utf8(names: Iterable[str]) -> None:
    """Refuses names of files that no annotation, page or message can hold.

    Raises:
        UserError: One is not UTF-8.
    """
    for name in names:
        if not name.isascii() and (content := os.fsencode(name)).decode(errors="replace") != name:
            raise UserError(f"The name {content!r} is not UTF-8. Rename it.")


def refuse_folder(error: OSError) -> NoReturn:
    """Refuses a folder that cannot be listed: its labels would be missing, and nobody told.

    Raises:
        UserError: Always.
    """
    raise UserError(f"{error.filename} cannot be listed: {error.strerror}.") from error


def is_file(path: Path) -> bool:
    """Whether a file is there; there is none of a name that is longer than the system allows."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether a file or folder is there, see :func:`is_file`."""
    try:
        return path.exists()
    except (OSError, ValueError):
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
    return decoded_text(path)[0]


def decoded_text(path: Path) -> tuple[str, bool]:
    """A file's text, and whether its encoding is known: it is UTF-8, or UTF-16 with a mark."""
    content = read_bytes(path)
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", errors="replace"), True
    try:
        return content.decode("utf-8-sig"), b"\0" not in content
    except UnicodeDecodeError:
        return content.decode("latin-1"), False


def is_latin(name: str) -> bool:
    """Whether a name that was read as Latin-1 is likely to be meant so.

    In words of European languages most letters are ASCII's; those of other encodings, such as
    GBK, become rows of accents, signs and control characters.
    """
    return name.isprintable() and all(map(_is_latin_word, name.split()))


def _is_latin_word(word: str) -> bool:
    others = [letter for letter in word if not letter.isascii()]
    plain = sum(letter.isalpha() and letter.isascii() for letter in word)
    return all(map(str.isalpha, others)) and len(others) <= max(1, plain)


def read_json(path: Path) -> Any:
    """Reads JSON, with or without a byte order mark.

    Raises:
        ValueError: It is not JSON.
    """
    return parse_json(read_text(path))


def parse_json(text: str) -> Any:
    """Reads a text of JSON.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested without end") from error


def read_xml(path: Path) -> ElementTree.Element:
    """Reads XML, which some programs begin with a blank line, also behind a byte order mark.

    Raises:
        ValueError: It is not XML, or in an encoding that is not known, such as GB2312.
    """
    content = read_bytes(path)
    try:
        return ElementTree.fromstring(content.removeprefix(codecs.BOM_UTF8).lstrip())
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    except (LookupError, ValueError) as error:
        raise ValueError(f"{error}: save it as UTF-8") from error


def head(path: Path, most: int = HEAD) -> str:
    """The start of a file, to see what it is."""
    content = read_bytes(path, most)
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", errors="replace")
    try:  # a letter that is cut off at the end is left out
        return codecs.getincrementaldecoder("utf-8-sig")().decode(content)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def root_tag(text: str) -> str | None:
    """The name of an XML text's outermost element; None where the text starts otherwise."""
    start = _NO_ELEMENTS.sub("", text).lstrip("\ufeff \t\r\n")
    found = _ROOT_TAG.match(start)
    return found[1] if found else None
