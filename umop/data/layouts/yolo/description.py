"""The file that describes a YOLO data set: Ultralytics' ``data.yaml`` or darknet's ``obj.data``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from umop.data.dataset import SPLITS
from umop.data.files.names import SPLIT_WORDS, folded, folder, join_name, parts_of, split_in
from umop.data.files.reading import exists, read_text
from umop.data.files.tree import Files

_YAML = (".yaml", ".yml")
_DARKNET = (".data",)
_MOST_VALUES = 10**6
"""Aliases let a few lines of YAML stand for more values than any memory holds."""
_DEEPEST = 50
_NAMES = "names"
_NUMBER = "tag:yaml.org,2002:int"
_ENDLESS = "it is nested without end"


def descriptions(files: Files) -> list[Path]:
    """The files that describe the data."""
    described = [path for path in files.matching(*_YAML) if "names" in _read_yaml(path)]
    return described or [path for path in files.matching(*_DARKNET) if _read_darknet(path)]


def broken_descriptions(files: Files) -> Iterable[tuple[Path, str]]:
    """YAML files that cannot be read, one of which may be meant, each with what is wrong."""
    for path in files.matching(*_YAML):
        try:
            _parse_yaml(path)
        except ValueError as error:
            yield path, f"not plain YAML: {error}"


class Description:
    """What the description of a data set says; nothing where there is no file.

    Args:
        path: The file.
        files: The files of the data set.

    Attributes:
        path: The file.
        content: What it says, by the keys of ``data.yaml``.
    """

    def __init__(self, path: Path | None, files: Files) -> None:
        self.path = path
        self.content: dict[str, Any] = {}
        self._files = files
        if path is not None:
            is_darknet = path.suffix.casefold() in _DARKNET
            self.content = _read_darknet(path) if is_darknet else _read_yaml(path)

    def names_file(self) -> Path | None:
        """The list of the classes' names that darknet's file names."""
        names = self.content.get("names")
        return self.place(names) if isinstance(names, str) else None

    def place(self, written: str) -> Path | None:
        """A folder or file that the description names.

        A path from elsewhere is searched here by its end, of which the name of a split is a part:
        ``../train/images`` is not ``images``. Case counts where a name is there in several.
        """
        candidates = self._candidates(written.replace("\\", "/"))
        of_other_case = filter(None, map(self._of_other_case, candidates))
        return next(filter(exists, candidates), None) or next(of_other_case, None)

    def _candidates(self, name: str) -> list[Path]:
        """The places that a name may mean, likeliest first."""
        assert self.path is not None
        here, root = self.path.parent, self._files.root
        base_folder = str(self.content.get("path") or "")
        starts = (here / base_folder, here, root)
        whole = [Path(join_name(str(start), name)) for start in starts]
        parts = parts_of(name)
        splits = [number for number, part in enumerate(parts) if split_in(part)]
        cuts = range(splits[-1] + 1 if splits else len(parts))
        folders = (here, here.joinpath(*parts_of(base_folder)[-1:]))
        tails = [each.joinpath(*parts[cut:]) for each in folders for cut in cuts]
        if name.startswith("../"):
            return [*tails, *(each for each in whole if each.is_relative_to(root))]
        return [*([Path(name)] if name.startswith("/") else whole), *tails]

    def _of_other_case(self, path: Path) -> Path | None:
        """The file or folder whose name differs from a path's by case only."""
        name = self._files.name(path)
        return self._files.named(name) or self._folders.get(folded(name))

    @cached_property
    def _folders(self) -> dict[str, Path]:
        """The folders of the data set by their folded names."""
        names = {folder(name) for name in self._files.names}
        above = {str(each) for name in names for each in PurePosixPath(name).parents}
        return {folded(name): self._files.path(name) for name in sorted(names | above) if name}


def _read_darknet(path: Path) -> dict[str, Any]:
    """Darknet's lines of ``key = value``, with the keys of ``data.yaml``."""
    pairs = (line.split("=", 1) for line in read_text(path).splitlines() if "=" in line)
    written: dict[str, Any] = {key.strip(): value.strip() for key, value in pairs}
    content = _with_names_of_splits(written)
    is_known = "names" in content and {"train", "val"} & content.keys()
    return {key: content.get(key) for key in (*SPLITS, "names")} if is_known else {}


def _read_yaml(path: Path) -> dict[str, Any]:
    """The content of a YAML file; nothing where it is not a dictionary."""
    try:
        content = _parse_yaml(path)
    except ValueError:
        return {}
    return _with_names_of_splits(content) if isinstance(content, dict) else {}


def _with_names_of_splits(content: dict[str, Any]) -> dict[str, Any]:
    """The content with ``train``, ``val`` and ``test`` for what else they are called.

    CVAT writes the names that a user gives its subsets, such as ``Validation``.
    """
    words = {word: split for split, known in SPLIT_WORDS.items() for word in known}
    named = {
        words[str(key).casefold()]: value
        for key, value in content.items()
        if str(key).casefold() in words and isinstance(value, str | list)
    }
    return named | content


def _parse_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ValueError: It is not YAML, or holds more than plain values, or too many of them.
    """
    text = read_text(path)
    try:
        _refuse_depth(text)
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"line {line}: {_problem(error, text)}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    _count([content])
    return content


def _problem(error: yaml.MarkedYAMLError, text: str) -> str:
    """What is wrong with YAML, with the character that libyaml does not name."""
    said, mark = str(error.problem), error.problem_mark
    found = text[mark.index : mark.index + 1] if mark else ""
    return said.replace("found character that", f"found character {found!r} that")


def _refuse_depth(text: str) -> None:
    """Refuses what is nested so deeply that libyaml, which reads it in turn, overflows the stack.

    Raises:
        ValueError: It is.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(_ENDLESS)


class _Loader(yaml.CSafeLoader):
    """Reads plain values, and refuses a number that stands twice among the names."""

    def construct_document(self, node: yaml.Node) -> Any:
        """See ``yaml.constructor.BaseConstructor.construct_document``."""
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value == _NAMES and isinstance(value, yaml.MappingNode):
                _refuse_twice(value)
        return super().construct_document(node)


def _refuse_twice(names: yaml.MappingNode) -> None:
    """Refuses a number that stands twice.

    Raises:
        yaml.constructor.ConstructorError: One does.
    """
    seen = set[str]()
    for key, _ in names.value:
        if key.tag == _NUMBER and key.value in seen:
            problem = f"{key.value} is there twice"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        seen.add(str(key.value))


def _count(content: list[Any] | dict[Any, Any], before: int = 0, depth: int = 0) -> int:
    """The number of values with those inside of them, an alias's as often as it stands there.

    Args:
        content: The values.
        before: The number that is added.
        depth: How many values they are inside of.

    Raises:
        ValueError: There are too many, or they are nested without end.
    """
    values = content.values() if isinstance(content, dict) else content
    count = before + len(values)
    if count > _MOST_VALUES:
        raise ValueError(f"it holds more than {_MOST_VALUES} values")
    if depth > _DEEPEST:
        raise ValueError(_ENDLESS)
    for each in values:
        if isinstance(each, list | dict):
            count = _count(each, count, depth + 1)
    return count
