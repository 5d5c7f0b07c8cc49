"""Imports inside umop point one way: from a floor to those below it, never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import umop

ROOT = Path(umop.__file__).parent
FLOORS = (
    ("system", "losses"),
    ("runs", "config", "models", "data", "distributed"),
    ("weights", "engine", "trackers", "doctor"),
    ("evaluation",),
    ("training", "export", "report"),
    ("api",),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
APART = ("umop.data.files", "umop.data.layouts", "umop.data.check")
NEEDED = ("umop.data.dataset", "umop.data.images", "umop.system")
"""What the layouts and the check could be published with."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """The dotted name of each module, and its code."""
    for path in ROOT.rglob("*.py"):
        if (ROOT / "configs") not in path.parents:
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            yield ".".join(parts), ast.parse(path.read_text("utf-8"))


def imported(code: ast.Module) -> Iterator[str]:
    """The modules of umop that a module imports, anywhere in its code."""
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("umop"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if within(alias.name, ("umop",)))


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of the packages, or in one."""
    return f"{module}.".startswith(tuple(f"{package}." for package in packages))


def room_of(module: str) -> str:
    """The room of a module; that of the door is empty."""
    _, room, *_ = f"{module}.".split(".")
    return "" if room == "__init__" else room


def test_every_import_points_to_a_lower_floor() -> None:
    found = [(name, other) for name, code in modules() for other in imported(code)]
    assert len(found) > 300
    assert [
        f"{name} imports {other}"
        for name, other in found
        if (room := room_of(name)) and room_of(other) != room
        if FLOOR[room] <= FLOOR.get(room_of(other), len(FLOORS))  # the door is above all
    ] == []


def test_every_room_has_its_floor() -> None:
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == set(FLOOR)


def test_modules_of_a_room_import_each_other_in_one_direction() -> None:
    known = {name.removesuffix(".__init__"): code for name, code in modules()}
    graph = {
        name: {
            module
            for other in imported(without_type_checking(code))
            if (module := other if other in known else other.rpartition(".")[0]) in known
            and module != name
        }
        for name, code in known.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def without_type_checking(code: ast.Module) -> ast.Module:
    """The code without what only a type checker imports."""
    kept = [
        node
        for node in code.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.Module(kept, [])


def test_layouts_and_check_import_nothing_else_of_umop() -> None:
    assert [
        f"{name} imports {other}"
        for name, code in modules()
        if within(name, APART)
        for other in imported(code)
        if not within(other, (*APART, *NEEDED))
    ] == []


def test_no_module_imports_what_another_keeps_to_itself() -> None:
    assert [
        f"{name} imports {other}"
        for name, code in modules()
        for other in imported(code)
        if other.rpartition(".")[2].startswith("_")
    ] == []
