"""Imports inside umop point one way: from a floor to those below it.

``tests/test_circles.py`` has the packages inside of the rooms.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import umop
from tests.imports import imported, modules

ROOT = Path(umop.__file__).parent
CODE = modules(umop)
FLOORS = (
    ("system", "losses"),
    ("runs", "config", "models", "data", "distributed"),
    ("weights", "engine", "trackers", "doctor"),
    ("evaluation",),
    ("export", "report"),
    ("training",),
    ("api", "cli"),
)
"""The top floor has a door for Python, which ``umop/__init__.py`` opens onto, and the command."""
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
SYSTEM = "umop.system"
APART = {
    "umop.data.dataset": set(),
    "umop.data.images": {"serving.shared", SYSTEM},
    "umop.data.files": {"umop.data.dataset", "serving.shared", SYSTEM},
    "umop.data.layouts": {"umop.data.dataset", "umop.data.files", SYSTEM},
    "umop.data.check": {
        *("umop.data.dataset", "umop.data.images", "umop.data.files"),
        *("serving.shared", SYSTEM),
    },
    "umop.data.recognition": {
        *("umop.data.dataset", "umop.data.files", "umop.data.layouts"),
        SYSTEM,
    },
}
"""What could be published by itself, and all that it imports of either half."""
FROM_SERVING = {"ImageError", "SWAPPING_ORIENTATIONS", "decode", "decode_whole", "read_header"}
FROM_SERVING |= {"IMAGE_SUFFIXES", "cache_folder", "difference_hash", "sha256_of", "usable_cores"}
FROM_SERVING |= {"DAMAGED_ZIP", "ZipBombError", "unpacked_size"}
"""What it takes of ``serving.shared``; ``umop.system.storage`` takes object storage."""


def of_ours(name: str) -> Iterator[str]:
    """The names of umop and serving that a module imports."""
    return (other for other in imported(CODE[name]) if within(other, "umop", "serving"))


def within(module: str, *packages: str) -> bool:
    """Whether a module is one of the packages, or in one."""
    return f"{module}.".startswith(tuple(f"{package}." for package in packages))


def room_of(module: str) -> str:
    """The room of a module of umop; that of the door is empty."""
    _, room, *_ = f"{module}.".split(".")
    return room


def test_every_import_points_to_a_lower_floor() -> None:
    found = [(name, other) for name in CODE for other in of_ours(name) if within(other, "umop")]
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


def test_layouts_and_check_import_nothing_else_of_umop() -> None:
    found: dict[str, set[str]] = {package: set() for package in APART}
    shared = set()
    for name in CODE:
        for package in (each for each in APART if within(name, each)):
            others = {other for other in of_ours(name) if not within(other, package)}
            shared |= {other for other in others if within(other, "serving.shared")}
            found[package] |= {ours_of(other) for other in others}
    assert found == APART
    assert {name.removeprefix("serving.shared.") for name in shared} == FROM_SERVING


def ours_of(name: str) -> str:
    """The package or module that is allowed or not, as :data:`APART` names them."""
    return next((each for each in (*APART, SYSTEM, "serving.shared") if within(name, each)), name)


def test_no_module_imports_what_another_keeps_to_itself() -> None:
    assert [
        f"{name} imports {other}"
        for name in CODE
        for other in of_ours(name)
        if other.rpartition(".")[2].startswith("_")
    ] == []
