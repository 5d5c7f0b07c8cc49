"""A public name means one thing in the whole tree, and what takes three arguments explains them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = ("umop/cli/", "serving/cli/")
"""Their functions are called as the user types them, and options have a help text each."""
SHARED = {
    "FORMAT": "a format that data sets are converted to",
    "LAYOUT": "a layout of annotations",
    "RESULT_FORMAT": "a format of results",
    "RULES": "rules of the data check",
    "install": "adds routes and handlers to an app",
    "main": "where a program starts",
    "open_engine": "what an engine's module offers",
    "read": "reads the structure of an encoded image",
    "router": "routes of the service",
    "settings": "what a tracker's module offers",
    "train": "the door, and what it calls",
}
"""Names that several modules define because a registry or a protocol asks for them."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def takes(function: Function) -> int:
    """How many arguments a function has, those of its object aside."""
    arguments = function.args
    own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len({each.arg for each in own} - {"self", "cls"})


def explains(function: Function, owner: ast.ClassDef | None) -> bool:
    """Whether it says what it takes, or is an overload, a route or another class's method."""
    text = ast.get_docstring(function) or ""
    if owner is not None and function.name == "__init__":
        return any(part in f"{text}{ast.get_docstring(owner)}" for part in ("Args:", "Attributes:"))
    marks = [ast.unparse(each) for each in function.decorator_list]
    if any(each == "overload" or each.startswith("router.") for each in marks):
        return True
    overrides = owner is not None and owner.bases and not text
    return "Args:" in text or text.startswith("See ``") or bool(overrides)


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """The path and the code of each module but the commands'."""
    found = []
    for package in ("umop", "serving"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith((*COMMANDS, "umop/configs/")):
                found.append((name, ast.parse(path.read_text("utf-8"))))
    return found


def defined(code: ast.Module) -> Iterator[str]:
    """The names that a module defines at its top, without those that it imports."""
    for node in code.body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for each in (each for target in targets for each in ast.walk(target)):
                if isinstance(each, ast.Name):
                    yield each.id


def functions(
    body: list[ast.stmt], owner: ast.ClassDef | None = None
) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """The functions of a module, and the methods of its classes with their class."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node.body, node)
        elif isinstance(node, Function):
            yield node, owner


def test_a_public_name_is_defined_in_one_module() -> None:
    places = defaultdict(set)
    for module, code in modules():
        for name in defined(code):
            if not name.startswith("_"):
                places[name].add(module)
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in several.items() if name not in SHARED} == {}
    assert SHARED.keys() - several == set()


def test_what_takes_three_arguments_explains_them() -> None:
    many = [
        (f"{module}:{function.lineno} {function.name}", explains(function, owner))
        for module, code in modules()
        for function, owner in functions(code.body)
        if function.name == "__init__" or not function.name.startswith("_")
        if takes(function) > 2
    ]
    assert len(many) > 100
    assert [place for place, explained in many if not explained] == []
