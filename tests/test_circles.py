"""Neither modules nor packages import each other in a circle, at any depth."""

from __future__ import annotations

import ast
from types import ModuleType

import pytest

import serving
import umop
from tests.imports import (
    module_graph,
    modules,
    package_graph,
    require_no_circle,
    without_type_checking,
)

BY_NAME = {
    *("umop", "umop.doctor.software", "umop.models.apex"),
    *("serving.bundle.signature", "serving.inference.engines", "serving.predict.formats"),
    "serving.shared",
}
"""What imports by a name that it computes: the doors, registries, and packages of others."""
BOTH = pytest.mark.parametrize("half", [umop, serving], ids=["umop", "serving"])


@BOTH
def test_packages_do_not_import_each_other(half: ModuleType) -> None:
    """Imports in functions count, and those for a type checker."""
    graph = package_graph(modules(half))
    assert len(graph) > 20
    require_no_circle(graph)


@BOTH
def test_modules_do_not_import_each_other(half: ModuleType) -> None:
    """Imports in functions count."""
    run = {name: without_type_checking(code) for name, code in modules(half).items()}
    require_no_circle(module_graph(run))


def test_no_other_module_imports_by_a_name_that_tests_cannot_read() -> None:
    code = modules(umop) | modules(serving)
    importing = ("import_module", "importlib.import_module", "__import__", "importlib")
    found = {
        name
        for name, tree in code.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in importing
    }
    assert found == BY_NAME


def test_a_package_and_one_inside_it_are_two() -> None:
    code = {
        "umop.a": "",
        "umop.a.use": "from umop.a.inner import given",
        "umop.a.base": "",
        "umop.a.inner": "",
        "umop.a.inner.one": "def late():\n    from umop.a import base",
    }
    graph = package_graph({name: ast.parse(text) for name, text in code.items()})
    assert graph == {"umop.a": {"umop.a.inner"}, "umop.a.inner": {"umop.a"}}
    with pytest.raises(ValueError, match="cycle"):
        require_no_circle(graph)
