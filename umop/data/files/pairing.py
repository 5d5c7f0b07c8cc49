"""Which image belongs to which annotation, where only their names tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from functools import cache

from umop.data.files.essences import Essence, Essences
from umop.data.files.names import base, essence, folded, folder, stem

_Group = tuple[str, Essence]
"""Files of one name in folders of one essence."""


class Pairs:
    """Images and the annotation files that have their names.

    An annotation belongs to the image beside it, or to the one in the folder that has ``images``
    for ``labels``; or else to the only one of its name that has no annotation yet, unless their
    folders say that they are of different images. Names that differ by their letters' case are
    taken for one only where no name is exact, or where their suffixes differ too.

    Args:
        images: The images' names.
        others: The names of the annotations.
        aliases: The other names of an image, in folders that are links to its own.

    Attributes:
        of_image: The annotation of each image that has one.
    """

    def __init__(
        self,
        images: Iterable[str],
        others: Collection[str],
        aliases: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        self.of_image: dict[str, str] = {}
        self._aliases = aliases
        self._essence = cache(lambda folder: essence(folder.split("/")))
        left = list(images) if others else []
        left = self._pair_by_folder(left, others, str)
        left = self._pair_by_case(left, [*self._untaken(others), *self.of_image.values()])
        left = self._pair_only(left, self._untaken(others), lambda one: {one})
        rest = self._untaken(others)
        known = Essences(self._essence(folder(name)) for name in rest)
        self._pair_only(left, rest, cache(known.fitting))

    @property
    def of_annotation(self) -> Mapping[str, Sequence[str]]:
        """The images of each annotation: several where they differ by their suffix only."""
        found: dict[str, list[str]] = defaultdict(list)
        for image, other in self.of_image.items():
            found[other].append(image)
        return found

    def _untaken(self, others: Iterable[str]) -> list[str]:
        taken = set(self.of_image.values())
        return [name for name in others if name not in taken]

    def _pair_by_case(self, images: list[str], others: Iterable[str]) -> list[str]:
        """Pairs images as :meth:`_pair_by_folder` does, but those that have a paired one's name."""
        named = {folded(image) for image in self.of_image} if images else set()
        others_left = [image for image in images if folded(image) in named]
        free = [image for image in images if folded(image) not in named]
        return others_left + self._pair_by_folder(free, others, folded)

    def _pair_by_folder(
        self, images: list[str], others: Iterable[str], written: Callable[[str], str]
    ) -> list[str]:
        """Pairs images with the annotations of their own folders.

        Args:
            images: The images' names.
            others: The names of the annotations.
            written: How names are compared.

        Returns:
            The images that are left.
        """
        known: dict[str, str] = {}
        for name in others:
            known.setdefault(written(stem(name)), name)
        for image in images:
            wholes = map(written, (image, *self._aliases(image)))
            keys = (key for whole in wholes for key in _keys(whole))
            if found := next((known[key] for key in keys if key in known), None):
                self.of_image[image] = found
        return [image for image in images if image not in self.of_image]

    def _pair_only(
        self, images: list[str], others: Iterable[str], fitting: Callable[[Essence], Set[Essence]]
    ) -> list[str]:
        """Pairs images with the only annotation whose folder fits, where no other image's does.

        Args:
            images: The images' names.
            others: The names of the annotations.
            fitting: The essences of folders that fit one.

        Returns:
            The images that are left.
        """
        names: dict[str, dict[Essence, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name in others:
            names[stem(base(name))][self._essence(folder(name))].append(name)
        found: dict[str, _Group] = {}
        claims = Counter[_Group]()
        for image in images:
            fits, last = fitting(self._essence(folder(image))), base(image)
            keys = [key for key in dict.fromkeys((stem(last), last)) if key in names]
            groups = [(key, each) for key in keys for each in names[key].keys() & fits]
            claims.update(groups)
            if len(groups) == 1:
                found[image] = groups[0]
        for image, (key, each) in found.items():
            if claims[key, each] == 1 and len(names[key][each]) == 1:
                self.of_image[image] = names[key][each][0]
        return [image for image in images if image not in self.of_image]


def _keys(name: str) -> tuple[str, ...]:
    """What an image's annotation may be called, without its suffix, the likeliest first."""
    return stem(name), name, _labels_for_images(stem(name)), _labels_for_images(name)


def _labels_for_images(name: str) -> str:
    """A name in the folder that has ``labels`` for the last ``images``."""
    before, found, after = f"/{name}".rpartition("/images/")
    return f"{before}/labels/{after}".strip("/") if found else name
