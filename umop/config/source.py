"""The files that a config consists of: its own and those it inherits from, as Python source.

mmengine evaluates each file by itself. A variable such as ``iterations = 240`` has been put into
the settings that use it by the time another file, or the command line, could change it. Here the
source is changed before it is evaluated: a variable has the value that the youngest file gives it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from umop.config.files import base_path
from umop.config.literals import read_literal
from umop.system.errors import UserError

_BASE = "_base_"


@dataclass(frozen=True)
class ConfigSource:
    """One file of a config.

    Attributes:
        path: The file.
        tree: Its syntax.
        bases: What it inherits from.
    """

    path: Path
    tree: ast.Module
    bases: tuple[ConfigSource, ...]

    @classmethod
    def read(cls, path: Path, children: tuple[Path, ...] = ()) -> ConfigSource:
        """Reads a config and what it inherits from.

        Args:
            path: Its file.
            children: The files that inherit from it.

        Raises:
            UserError: A file is missing or is not Python, or a config inherits from itself.
        """
        if path.resolve() in children:
            raise UserError(f"{path} inherits from itself.")
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise UserError(f"{path} cannot be read as a config: {error}") from error
        younger = (*children, path.resolve())
        names = _base_names(path, tree)
        return cls(path, tree, tuple(cls.read(base_path(name, path), younger) for name in names))

    @cached_property
    def assigned(self) -> dict[str, ast.Assign]:
        """The assignments of the file itself, by name."""
        return _assignments(self.tree)

    @cached_property
    def used(self) -> set[str]:
        """The names that the file itself reads, ``_base_.name`` as ``name``."""
        return {name for node in ast.walk(self.tree) if (name := _read_name(node))}

    @cached_property
    def plain(self) -> dict[str, object]:
        """The plain values that the file assigns, by name: numbers, text and tuples of them."""
        values = {name: _plain_value(node.value) for name, node in self.assigned.items()}
        return {name: value for name, value in values.items() if value is not None}

    def files(self) -> Iterator[ConfigSource]:
        """This file and all that it inherits from."""
        yield self
        for base in self.bases:
            yield from base.files()

    def write(self, folder: Path, values: Mapping[str, object]) -> Path:
        """Writes copies of all files, in which variables have other values.

        Args:
            folder: Where they go.
            values: The variables, wherever they are assigned, and their values.

        Returns:
            The copy of this file.
        """
        inherited = {**self.plain, **values}
        bases = [str(base.write(folder, inherited)) for base in self.bases]
        changed = {**values, _BASE: bases} if bases else values
        for name in self.assigned.keys() & changed.keys():
            self.assigned[name].value = ast.parse(repr(changed[name]), mode="eval").body
        copy = folder / f"{len(list(folder.iterdir()))}_{self.path.name}"
        copy.write_text(ast.unparse(self.tree), encoding="utf-8")
        return copy


def _assignments(tree: ast.Module) -> dict[str, ast.Assign]:
    """The assignments to plain names at the top of a file, by name."""
    return {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _plain_value(node: ast.expr) -> object:
    """The value of a literal that is not a section; None for anything else."""
    try:
        value = read_literal(node)
    except ValueError:
        return None
    return None if isinstance(value, dict) else value


def _read_name(node: ast.AST) -> str | None:
    """The name that an expression reads, if it is a name or ``_base_.name``."""
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == _BASE:
        return node.attr
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    return None


def _base_names(path: Path, tree: ast.Module) -> list[str]:
    """What ``_base_`` lists.

    Raises:
        UserError: It is neither a name nor a list of names.
    """
    assigned = _assignments(tree).get(_BASE)
    try:
        names = read_literal(assigned.value) if assigned else []
    except ValueError:
        names = None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: _base_ must be the name of a config, or a list of names.")
    return list(names)
