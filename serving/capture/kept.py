"""What is at a place of captured images, as one process knows it."""

from __future__ import annotations

import re
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from time import sleep
from typing import NamedTuple, TypeVar

import numpy as np

from serving.capture.perceptual import any_alike

IMAGE, ANSWER = ".jpg", ".json"
_FILES = 2
"""Of an image: itself and its answer."""
_MOST_IMAGES = 100_000
_MOST_NAMES = 4 * _MOST_IMAGES
"""That one look at a place remembers; what is deleted makes room for others in the next."""
_NAME = re.compile(r"(?P<stem>\d{13}-[0-9a-f]{16}-[\w.-]+)\.(?:jpg|json)", re.ASCII)
_TIME = slice(0, 13)
_HASH = slice(14, 30)
_CHUNK = 256
"""After so many names or images requests have their turn."""
_PAUSE = 0.0005

_Item = TypeVar("_Item")


class Kept(NamedTuple):
    """A captured image and its answer.

    Attributes:
        stem: Their name without a suffix; names sort by age.
        size: Bytes of both.
        is_whole: Whether both are there; one alone is no captured image, but takes its bytes.
    """

    stem: str
    size: int
    is_whole: bool

    @property
    def milliseconds(self) -> int:
        """When it was captured, since the epoch."""
        return int(self.stem[_TIME])

    @property
    def perceptual_hash(self) -> int:
        """Of the image."""
        return int(self.stem[_HASH], 16)


class KeptImages:
    """The images of a place by age, whose bytes and hashes need no second look.

    Args:
        kept: The oldest first.

    Attributes:
        size: Bytes of all.
    """

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self.size = 0
        # no objects that the garbage collector would go over, during which requests wait
        self._stems: deque[str] = deque()
        self._sizes: deque[int] = deque()
        self._are_whole: deque[bool] = deque()
        self._hashes = array("Q")  # of those that are whole, in the same order
        for each in kept:
            self.add(each)

    @property
    def oldest(self) -> Kept | None:
        """The image that is the first to go."""
        if not self._stems:
            return None
        return Kept(self._stems[0], self._sizes[0], self._are_whole[0])

    @property
    def is_full(self) -> bool:
        """Whether one must go before another comes, however small they are."""
        return len(self._stems) >= _MOST_IMAGES

    def add(self, kept: Kept) -> None:
        """Adds the newest."""
        self._stems.append(kept.stem)
        self._sizes.append(kept.size)
        self._are_whole.append(kept.is_whole)
        self.size += kept.size
        if kept.is_whole:
            self._hashes.append(kept.perceptual_hash)

    def drop_oldest(self) -> None:
        """Forgets the oldest."""
        self._stems.popleft()
        self.size -= self._sizes.popleft()
        if self._are_whole.popleft():
            del self._hashes[0]

    def has_alike(self, perceptual_hash: int) -> bool:
        """Whether an image that looks like this one is there."""
        return any_alike(np.frombuffer(self._hashes, np.uint64), perceptual_hash)


def kept_images(names: Iterable[tuple[str, int]]) -> KeptImages:
    """Picks captured images out of names and sizes; other files are left as they are.

    Requests in other threads have their turn meanwhile.
    """
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for stem, size in islice(_stems(_paced(names)), _MOST_NAMES):
        sizes[stem] += size
        files[stem] += 1
    stems = list(sizes)
    times = np.array([int(stem[_TIME]) for stem in _paced(stems)], np.int64)
    by_age = (stems[row] for row in _paced(np.argsort(times).tolist()))
    return KeptImages(Kept(stem, sizes[stem], files[stem] == _FILES) for stem in by_age)


def _stems(names: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    for name, size in names:
        if match := _NAME.fullmatch(name):
            yield match["stem"], size


def _paced(items: Iterable[_Item]) -> Iterator[_Item]:
    for number, item in enumerate(items, 1):
        if number % _CHUNK == 0:
            sleep(_PAUSE)
        yield item
