"""Imports inside serving point one way: from a room to those listed before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import serving

ROOT = Path(serving.__file__).parent
LAYERS = (
    ("container", "settings", "schemas"),
    ("bundle",),
    ("inference",),
    ("errors", "observability"),
    ("guards",),
    ("backends",),
    ("api",),
    ("server",),
    ("torchserve", "client"),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def imports() -> Iterator[tuple[Path, str, str]]:
    """Each module, its room, and each other room that it imports from."""
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serving."):
                room = str(node.module).split(".")[1]
                if room != own:
                    yield path, own, room


def test_every_import_points_to_a_lower_layer() -> None:
    found = list(imports())
    assert len(found) > 50
    assert [
        f"{path.relative_to(ROOT)} imports {room}"
        for path, own, room in found
        if LEVEL[own] <= LEVEL[room]
    ] == []
