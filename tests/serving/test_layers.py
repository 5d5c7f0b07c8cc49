"""Imports inside serving point one way: from a room to those listed before it.

``umop`` imports from ``serving.shared`` and from no other module of serving.
``tests/test_circles.py`` has the packages inside of the rooms.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import serving
import umop
from serving import shared

ROOT = Path(serving.__file__).parent
LAYERS = (
    ("container", "cpu_limit", "schemas", "storage", "zips"),
    ("registry", "settings"),
    ("bundle",),
    ("inference",),
    ("errors", "observability"),
    ("capture", "guards"),
    ("backends",),
    ("api",),
    ("server",),
    ("torchserve", "client"),
    ("predict",),
    ("shared",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def modules(path: Path) -> Iterator[str]:
    """The modules that a file imports, or imports something from."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            is_package = node.module in {"serving", "umop"}
            yield from (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if is_package
                else [node.module or ""]
            )


def imports() -> Iterator[tuple[Path, str, str]]:
    """Each module, its room, and each other room that it imports from."""
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).with_suffix("").parts[0]
        for module in modules(path):
            package, _, room = module.partition(".")
            room = room.partition(".")[0]
            if package == "serving" and room not in {"", own}:
                yield path, own, room


def test_every_import_points_to_a_lower_layer() -> None:
    found = list(imports())
    assert len(found) > 50
    assert [
        f"{path.relative_to(ROOT)} imports {room}"
        for path, own, room in found
        if LEVEL[own] <= LEVEL[room]
    ] == []


def test_no_module_imports_what_another_keeps_to_itself() -> None:
    assert [
        f"{path.relative_to(ROOT)} imports {alias.name}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serving")
        for alias in node.names
        if alias.name.startswith("_")
    ] == []


def test_umop_imports_from_one_module_of_serving() -> None:
    root = Path(umop.__file__).parent
    found = {
        (str(path.relative_to(root)), module)
        for path in root.rglob("*.py")
        for module in modules(path)
        if module.partition(".")[0] == "serving"
    }
    assert len(found) > 5
    assert {each for each in found if each[1] != "serving.shared"} == set()


def test_that_module_has_at_run_time_what_the_types_promise() -> None:
    promised = {
        alias.name: node.module
        for node in ast.walk(ast.parse(Path(shared.__file__).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serving.")
        for alias in node.names
    }
    assert dir(shared) == sorted(promised)
    for name, module in promised.items():
        assert getattr(shared, name) is getattr(import_module(str(module)), name)
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        shared.Trainer  # type: ignore[attr-defined]  # noqa: B018
