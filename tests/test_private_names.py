"""A function, class or constant that only its own module uses begins with an underscore."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import serving
import umop
from tests.imports import imported, modules

ROOT = Path(__file__).parents[1]
USERS = ("tests", "benchmarks", "docs/generate", "docker", "k8s")
LOOKED_UP = {
    "RESULT_FORMAT": "what a module of a format of results offers",
    "main": "where a program starts",
    "open_engine": "what an engine's module offers",
    "router": "what a module of routes offers",
    "settings": "what a tracker's module offers",
}
"""Names that something looks up in a module."""
DOTTED = re.compile(r"((?:umop|serving)(?:\.\w+)*)[.:](\w+)")
CODE = modules(umop) | modules(serving)


def used_elsewhere() -> set[str]:
    """The dotted names that a module takes of another, or that a text has, as patches do."""
    users = [path for folder in USERS for path in (ROOT / folder).rglob("*.py")]
    trees = [*CODE.items(), *(("", ast.parse(path.read_text("utf-8"))) for path in users)]
    found = {name for own, code in trees for name in taken(code) if name.rpartition(".")[0] != own}
    pages = (path.read_text("utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    return found | {".".join(each) for text in (*pages, settings) for each in DOTTED.findall(text)}


def taken(code: ast.Module) -> Iterator[str]:
    """The dotted names that a module takes of those that it imports, and those in its texts."""
    names = set(imported(code))
    yield from names
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute):
            yield from (f"{module}.{node.attr}" for module in called(node.value, names))
        elif isinstance(node, ast.Call) and len(node.args) > 1:  # setattr(module, "name", …)
            module, name, *_ = node.args
            if isinstance(name, ast.Constant):
                yield from (f"{each}.{name.value}" for each in called(module, names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (".".join(each) for each in DOTTED.findall(node.value))
            yield from taken(program(node.value))


def program(text: str) -> ast.Module:
    """The code of a program that a text holds, as tests start them."""
    try:
        return ast.parse(text if "import " in text else "")
    except SyntaxError:
        return ast.parse("")


def called(node: ast.expr, names: set[str]) -> Iterator[str]:
    """The modules that an expression may mean, of those that are imported."""
    of = ast.unparse(node)
    return (name for name in names if f".{name}".endswith(f".{of}"))


def defined(code: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a module defines."""
    for node in code.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((each.id, node) for each in targets if isinstance(each, ast.Name))


def is_registered(node: ast.stmt) -> bool:
    """Whether a decorator such as ``@HOOKS.register_module()`` makes it known by another name."""
    marks = getattr(node, "decorator_list", [])
    return any(isinstance(each, ast.Call) and "." in ast.unparse(each.func) for each in marks)


def shown(node: ast.AST) -> Iterator[str]:
    """The names in what a definition shows to those who use it: its bases, annotations, types."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        for kind in (*(each.annotation for each in arguments), node.returns):
            yield from names_in(kind)
    elif isinstance(node, ast.ClassDef):
        for base in node.bases:
            yield from names_in(base)
        for part in node.body:
            if isinstance(part, ast.AnnAssign):
                yield from names_in(part.annotation)
            elif not getattr(part, "name", "_").startswith("_"):
                yield from shown(part)
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):
        yield from names_in(node.value)


def names_in(node: ast.AST | None) -> Iterator[str]:
    yield from (each.id for each in ast.walk(node or ast.Pass()) if isinstance(each, ast.Name))


def only_used_inside() -> Iterator[str]:
    """The public names that only their module uses."""
    used = used_elsewhere()
    for module, code in CODE.items():
        public = [(name, node) for name, node in defined(code) if not name.startswith("_")]
        visible = {each for _, node in public for each in shown(node)} | LOOKED_UP.keys()
        for name, node in public:
            if f"{module}.{name}" not in used and name not in visible and not is_registered(node):
                yield f"{module}: {name}"


def test_what_only_its_module_uses_is_private() -> None:
    assert list(only_used_inside()) == []
