"""Reads forms (RFC 7578) that are in memory: at the speed of ``bytes.find``, and in bounds.

A parser that takes a form byte by byte can be made slow by line ends; one that spools it fills the
disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header

MOST_FIELDS = 100
_LONGEST_TYPE = 1024
_LONGEST_BOUNDARY = 70
_LONGEST_HEADER = 8192
_MOST_PARAMETERS = 32
_LINE_END = b"\r\n"
_EXTENDED = re.compile(rb"(?i);[ \t]*filename\*[ \t]*=")


class FormError(Exception):
    """The body is not a form; the message is one line that says why."""


@dataclass(frozen=True)
class FormPart:
    """A part of a form.

    Attributes:
        field: The field's name.
        filename: None for a part that is not a file; empty for a file that names itself by
            ``filename*`` only, which RFC 7578 forbids and some clients write.
        data: Its content.
    """

    field: str
    filename: str | None
    data: bytes

    @property
    def text(self) -> str:
        """The content of a part that is not a file."""
        return self.data.decode("utf-8", "replace")


def read_form(body: bytes, content_type: str, most_files: int) -> list[FormPart]:
    """Reads a form.

    Args:
        body: The whole body.
        content_type: The header that names the boundary.
        most_files: Most files in it; ``MOST_FIELDS`` are allowed beside them.

    Raises:
        FormError: It is not a form, or has too many parts.
    """
    parts: list[FormPart] = []
    for start, end in _spans(body, b"--" + _boundary(content_type)):
        parts.append(_part(body, start, end))
        files = sum(part.filename is not None for part in parts)
        if files > most_files:
            raise FormError(f"it has more than {most_files} files")
        if len(parts) - files > MOST_FIELDS:
            raise FormError(f"it has more than {MOST_FIELDS} fields")
    return parts


def _boundary(content_type: str) -> bytes:
    if len(content_type) > _LONGEST_TYPE:
        raise FormError(f"its Content-Type has more than {_LONGEST_TYPE} characters")
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY:
        raise FormError(f"its boundary has not 1 to {_LONGEST_BOUNDARY} characters")
    return boundary


def _spans(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where each part starts and ends, its header included."""
    place = 0
    if not body.startswith(delimiter):
        place = _after(body, delimiter, body.find(_LINE_END + delimiter))
    while not body.startswith(b"--", place := place + len(delimiter)):
        start = _after(body, delimiter, body.find(_LINE_END, place, place + _LONGEST_HEADER))
        if body[place:start].strip():
            raise FormError("a line of its boundary is damaged")
        place = _after(body, delimiter, body.find(_LINE_END + delimiter, start))
        yield start, place - len(_LINE_END)


def _after(body: bytes, delimiter: bytes, line_end: int) -> int:
    """The place after a line end, if it was found."""
    if line_end < 0:
        raise FormError("it is cut off" if delimiter in body else "its boundary is not in it")
    return line_end + len(_LINE_END)


def _part(body: bytes, start: int, end: int) -> FormPart:
    middle = body.find(2 * _LINE_END, start, min(end, start + _LONGEST_HEADER))
    if middle < 0:
        raise FormError("a part has no header, or a long one")
    options = _disposition(body[start:middle])
    if b"name" not in options:
        raise FormError("a part has no name")
    name = options[b"name"].decode("utf-8", "replace")
    file = options.get(b"filename")
    filename = None if file is None else file.decode("utf-8", "replace")
    return FormPart(name, filename, body[middle + 2 * len(_LINE_END) : end])


def _disposition(header: bytes) -> dict[bytes, bytes]:
    for line in header.split(_LINE_END):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            if value.count(b";") > _MOST_PARAMETERS:  # whose parsing is quadratic
                raise FormError(f"a part has more than {_MOST_PARAMETERS} parameters")
            options = parse_options_header(value)[1]
            return {b"filename": b"", **options} if _EXTENDED.search(value) else options
    return {}
