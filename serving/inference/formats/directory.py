"""Directories of TIFF, which EXIF is made of, too."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from serving.inference.formats.encoded import ImageError, unpack

ORIENTATION = 0x0112
SWAPPING_ORIENTATIONS = {5, 6, 7, 8}
"""Those by which width and height change places."""
_MOST_ENTRIES = 512
_MOST_EXIF = 2**20
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Attributes:
        layout: How its integers are stored, for ``struct``; empty for another type.
        count: Its values.
        size: Bytes of all of them.
        place: Where they are.
    """

    layout: str
    count: int
    size: int
    place: int

    def first(self, data: bytes) -> int | None:
        """Its first value; None where it is not an integer."""
        return unpack(self.layout, data, self.place)[0] if self.layout and self.count else None

    def values(self, data: bytes) -> tuple[int, ...]:
        """All its values, of which a caller has bounded the count; none where no integers."""
        if not self.layout:
            return ()
        return unpack(f"{self.layout[0]}{self.count}{self.layout[1]}", data, self.place)


def read_directory(data: bytes, *, once: Container[int] = ()) -> Mapping[int, Entry]:
    """Reads the first directory's entries by their tags; of equal ones the last counts.

    Args:
        data: Starts with its byte order.
        once: Tags that may have no second entry.

    Raises:
        ImageError: It is damaged, has too many entries, or they refer to more bytes than there are.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ImageError("the image's directory has no byte order")
    big = unpack(order + "H", data, 2)[0] == 43
    word, head, inline = ("Q", "HHQ", 8) if big else ("I", "HHI", 4)
    [start] = unpack(order + word, data, 8 if big else 4)
    [count] = unpack(order + ("Q" if big else "H"), data, start)
    if count > _MOST_ENTRIES:
        raise ImageError(f"the image's directory has more than {_MOST_ENTRIES} entries")
    start += 8 if big else 2
    found: dict[int, Entry] = {}
    for place in range(start, start + count * (4 + 2 * inline), 4 + 2 * inline):
        tag, kind, length = unpack(order + head, data, place)
        size = length * _SIZES.get(kind, 0)
        value = place + 4 + inline
        where = value if size <= inline else unpack(order + word, data, value)[0]
        letter = _LETTERS.get(kind)
        if tag in found and tag in once:
            raise ImageError(f"the image's directory has two entries of tag {tag}")
        found[tag] = Entry(order + letter if letter else "", length, size, where)
    if sum(entry.size for entry in found.values()) > 2 * len(data):
        raise ImageError("the image's directory refers to more bytes than there are")
    return found


def orientation(exif: bytes) -> int:
    """EXIF's orientation, 2 to 8; 1 where there is none, also for a damaged block and for 0."""
    exif = exif[:_MOST_EXIF]
    try:
        entry = read_directory(exif).get(ORIENTATION)
        value = entry.first(exif) if entry else None
    except ImageError:  # it says nothing about the pixels
        return 1
    return value if value is not None and 2 <= value <= 8 else 1
