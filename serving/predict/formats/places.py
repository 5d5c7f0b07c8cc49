"""What the files that are made of an image are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import PurePosixPath

from serving.predict.inputs.web import is_url

_MOST_BYTES = 200
_PLAIN = str.maketrans(dict.fromkeys(':?&=*"<>|%', "_"))
_ESCAPE = re.compile(r"\\(?=udc[89a-f][0-9a-f])")
"""The backslash before a byte that is no text, as ``serving.predict.inputs`` writes it."""


class Places:
    """Gives each image a path of its own, without suffix: ``a/b`` to ``a/b.png``.

    No path leads out of its folder. Where two images would share one, the later gets its suffix
    (``a/b_jpg``), and then a number. The same names in the same order get the same paths.
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def of(self, name: str) -> str:
        """A path for the image of that name."""
        return next(place for place in _wishes(name) if self._take(place))

    def _take(self, place: str) -> bool:
        key = hash(place.casefold())  # 8 bytes for each of millions
        is_free = key not in self._taken
        self._taken.add(key)
        return is_free


def own_place(name: str) -> str:
    """The path of an image that shares it with none."""
    return str(_inside(name).with_suffix(""))


def _inside(name: str) -> PurePosixPath:
    """A relative path that stays inside."""
    name = name.partition("://")[2].translate(_PLAIN) if is_url(name) else name
    path = PurePosixPath(_ESCAPE.sub("_", name).replace("\\", "/").replace("\0", ""))
    parts = [_short(part) for part in path.parts if part not in (path.anchor, "..")]
    return PurePosixPath(*parts or ["image"])


def _short(part: str) -> str:
    """As much of a name as a file's may have, with room for a suffix."""
    return part.encode()[:_MOST_BYTES].decode(errors="ignore")


def _wishes(name: str) -> Iterator[str]:
    yield (own := own_place(name))
    plain = f"{own}_{_inside(name).suffix.lstrip('.').lower()}".rstrip("_")
    yield plain
    yield from (f"{plain}_{number}" for number in count(2))
