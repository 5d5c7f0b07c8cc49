"""The splits that the names of folders say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from umop.data.files.essences import Essence, Essences
from umop.data.files.names import folder, other_words, split_in


class _Siblings:
    """The folders in one folder.

    Args:
        names: Their names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._splits: dict[Essence, set[str]] = defaultdict(set)
        self._without: set[Essence] = set()
        for name in names:
            if split := split_in(name):
                self._splits[other_words(name)].add(split)
            else:
                self._without.add(other_words(name))
        self._without.discard(())
        self._said = set[str]().union(*self._splits.values())
        self._essences = Essences(self._splits)

    def have_another(self, words: Essence, split: str) -> bool:
        """Whether one is of another split than one of them, as their words say.

        It has the same other words, or some of them, or more; or the same and no split's word, as
        ``boards`` beside ``boards_val``; or all of them have a split's word.
        """
        if words in self._without or any(
            self._splits[each] - {split} for each in self._essences.fitting(words)
        ):
            return True
        return not self._without and bool(self._said - {split})


class FolderSplits:
    """Which split folders say.

    A folder says one by its name where that has nothing but a split's word, such as ``train2017``
    or ``valid set``; where a folder beside it has the same name with another split's word, or with
    none: ``dogs_train`` beside ``dogs_val``, ``dogs_val`` beside ``dogs``; or where all folders
    beside it have such words: ``train_real`` beside ``val_drawn``. ``test tube`` says none beside
    ``beaker``.

    Args:
        folders: The names of folders that hold files, relative to the root.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        self._inside: dict[str, set[str]] = defaultdict(set)
        for name in folders:
            self._add(name)
        self._siblings = cache(lambda parent: _Siblings(self._inside.get(parent, ())))
        self.of = cache(self._of)
        self.said_by = cache(self._said_by)

    def _add(self, name: str) -> None:
        while name:
            parent = folder(name)
            inside, last = self._inside[parent], name.rpartition("/")[2]
            if last in inside:
                return
            inside.add(last)
            name = parent

    def _of(self, name: str) -> str | None:
        """The split that a folder or one around it says; the innermost that has another beside it.

        Where none has, it is the outermost.
        """
        said = self._saying(name)
        best = next(filter(self._has_another, reversed(said)), None) or next(iter(said), None)
        return self.said_by(best) if best else None

    def is_in_doubt(self, name: str) -> bool:
        """Whether a folder is for training in one that is not, each beside another split."""
        said = {self.said_by(each) for each in filter(self._has_another, self._saying(name))}
        return self.of(name) == "train" and len(said) > 1

    def _saying(self, name: str) -> list[str]:
        """Those of a folder and the ones around it that say a split, the outermost first."""
        parts = name.split("/")
        around = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        return [each for each in around if self.said_by(each)]

    def _said_by(self, name: str) -> str | None:
        """The split that a folder's own name says."""
        is_clear = not other_words(name.rpartition("/")[2]) or self._has_another(name)
        return split_in(name.rpartition("/")[2]) if is_clear else None

    def _has_another(self, name: str) -> bool:
        """Whether a folder of another split is beside one."""
        last = name.rpartition("/")[2]
        split = split_in(last)
        beside = self._siblings(folder(name))
        return split is not None and beside.have_another(other_words(last), split)
