"""What the modules of a package import, as their code says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

Graph = dict[str, set[str]]


def modules(package: ModuleType) -> dict[str, ast.Module]:
    """The code of each module by its dotted name; a package's own name is its ``__init__``."""
    root = Path(str(package.__file__)).parent
    configs = root / "configs"
    return {
        ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): ast.parse(path.read_text("utf-8"))
        for path in root.rglob("*.py")
        if configs not in path.parents
    }


def imported(code: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in its code: of modules, or in them."""
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not counted"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def without_type_checking(code: ast.Module) -> ast.Module:
    """The code without what only a type checker imports."""
    kept = [
        node
        for node in code.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.Module(kept, [])


def module_graph(known: Mapping[str, ast.Module]) -> Graph:
    """The modules that each module imports, itself left out."""
    return {name: set(_modules_of(code, known)) - {name} for name, code in known.items()}


def package_graph(known: Mapping[str, ast.Module]) -> Graph:
    """The packages that each package imports: its own modules do, not those of packages in it.

    A module directly in ``umop`` or ``serving`` counts as a package by itself.
    """
    packages = {name.rpartition(".")[0] for name in known}

    def package_of(module: str) -> str:
        is_by_itself = module in packages or module.count(".") == 1
        return module if is_by_itself else module.rpartition(".")[0]

    graph: Graph = {}
    for name, others in module_graph(known).items():
        own = package_of(name)
        graph.setdefault(own, set()).update({package_of(other) for other in others} - {own})
    return graph


def require_no_circle(graph: Graph) -> None:
    """Raises CycleError, with the circle, where there is one."""
    TopologicalSorter(graph).prepare()


def _modules_of(code: ast.Module, known: Mapping[str, ast.Module]) -> Iterator[str]:
    for name in imported(code):
        module = name if name in known else name.rpartition(".")[0]
        if module in known:
            yield module
