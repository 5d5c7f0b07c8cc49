"""The classes of a YOLO data set: their numbers, and their names where a file has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder
from umop.data.files.reading import read_text
from umop.data.files.tree import Files
from umop.data.layouts.layout import note_encoding
from umop.data.layouts.yolo.description import Description
from umop.system.console import counted

CLASS_FILES = (
    "classes.txt",
    "obj.names",
    "classes.names",
    "labels.txt",
    "_darknet.labels",
    "predefined_classes.txt",
)


class Classes:
    """The classes of one data set.

    Args:
        description: What describes the data set.
        files: Its files.
        builder: Takes the classes, and what is wrong with them.

    Attributes:
        names: By number; None where no file has them.
    """

    def __init__(self, description: Description, files: Files, builder: Builder) -> None:
        self._description = description
        self._files = files
        self._builder = builder
        self.names = self._class_names()

    def declare(self) -> None:
        """Gives the classes their labels, in the order of their numbers."""
        seen: dict[str, int] = {}
        for number, name in (self.names or {}).items():
            if name in seen:
                text = f"classes {seen[name]} and {number} are both '{name}'"
                self._note("category-twice", text)
            seen.setdefault(name, number)
            self._builder.label(name)
        self._compare_count()

    def label(self, value: str) -> int | None:
        """The label of a class's number, which may be 1.0 for 1; None if there is no such class."""
        try:
            number = int(value) if value.isdecimal() else _whole(float(value))
        except ValueError:
            return None
        if self.names is None:
            return self._builder.label(str(number)) if number >= 0 else None
        return self._builder.label(self.names[number]) if number in self.names else None

    def known(self) -> str:
        """The numbers of the classes, for a message."""
        if not self.names:
            return "numbers from 0"
        numbers = list(self.names)
        if numbers == list(range(len(numbers))):
            return f"0 to {numbers[-1]}"
        return ", ".join(map(str, numbers))

    def _compare_count(self) -> None:
        """Notes a number of classes, ``nc``, that is not that of their names."""
        count = self._description.content.get("nc")
        if count is not None and self.names is not None and count != len(self.names):
            text = f"nc is {count!r}, and names has {counted(len(self.names), 'class')}: correct nc"
            self._note("category-count", text)

    def _class_names(self) -> dict[int, str] | None:
        """The names of the classes by their numbers; None where no file has them."""
        names = self._description.content.get("names")
        found = self._files.matching(".txt", ".names", ".labels")
        listed = [path for path in found if path.name.casefold() in CLASS_FILES]
        if isinstance(names, dict | list):
            numbered = self._numbered(names) if isinstance(names, dict) else self._in_order(names)
            self._compare_lists(numbered, listed)
            return numbered
        if (named := self._description.names_file()) is not None:
            listed = [named]
        if isinstance(names, str) and not listed:
            self._note("annotations-unreadable", f"names: {names!r} is no list, and no file of one")
        return self._listed_names(listed) if listed else None

    def _listed_names(self, paths: Sequence[Path]) -> dict[int, str]:
        """The names that a file lists, which other such files must not contradict."""
        first, *others = [self._lines_of_list(path) for path in paths]
        for path, names in zip(paths[1:], others, strict=True):
            if names != first:
                text = f"it names other classes than {self._files.name(paths[0])}: keep one of them"
                self._builder.issue("annotations-unreadable", path, text)
        return dict(enumerate(first))

    def _lines_of_list(self, path: Path) -> list[str]:
        names = [line.strip() for line in read_text(path).rstrip().splitlines()]
        if "" in names:
            text = f"line {names.index('') + 1} is empty: whether it counts as a class is not clear"
            self._builder.issue("annotations-unreadable", path, text)
        note_encoding(path, names, self._builder)
        return [name for name in names if name]

    def _compare_lists(self, names: dict[int, str], paths: Sequence[Path]) -> None:
        """Notes lists of other classes than the description's, which are not used."""
        if self._description.path is None:
            return
        numbers = {name: number for number, name in names.items()}
        for path in paths:
            listed = [line.strip() for line in read_text(path).splitlines() if line.strip()]
            others = (name for i, name in enumerate(listed) if numbers.get(name, i) != i)
            described = self._files.name(self._description.path)
            if name := next(others, None):
                text = f"{name!r} has another number in {described}: keep one of them"
                self._builder.issue("annotations-unreadable", path, text)
            elif listed != list(names.values()):
                text = f"not used, since {described} names other classes"
                self._builder.issue("list-unused", path, text)

    def _in_order(self, names: list[Any]) -> dict[int, str]:
        """The names that a YAML file gives as a list."""
        return {number: self._name(number, name) for number, name in enumerate(names)}

    def _numbered(self, names: dict[Any, Any]) -> dict[int, str]:
        """The names that a YAML file gives by number, which need not be without gaps."""
        found: dict[int, str] = {}
        for key, name in names.items():
            try:
                if int(key) in found:
                    self._note("annotations-unreadable", f"names: {int(key)} is there twice")
                found[int(key)] = self._name(int(key), name)
            except (TypeError, ValueError, OverflowError):
                text = f"names: {key!r} is not the number of a class"
                self._note("annotations-unreadable", text)
        return dict(sorted(found.items()))

    def _name(self, number: int, written: object) -> str:
        """The name of a class; YAML reads an unquoted ``no``, ``off`` or ``[a]`` as no text."""
        if written is None or isinstance(written, bool | list | dict):
            text = f"names: YAML reads that of class {number} as {written}: put it in quotes"
            self._note("annotations-unreadable", text)
        return str(written)

    def _note(self, rule: str, text: str) -> None:
        self._builder.issue(rule, self._description.path or self._files.root, text)


def _whole(value: float) -> int:
    """A number without a fraction.

    Raises:
        ValueError: It has one.
    """
    if not value.is_integer():
        raise ValueError("not whole")
    return int(value)
