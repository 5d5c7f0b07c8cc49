"""Refuses archives of ``torch.export`` that may run code.

Loading one runs what is in it: PyTorch unpickles what the archive says is pickled, loads native
libraries, evaluates the text of symbolic sizes as Python (``sympy.sympify``), looks up operators by
any name in ``torch``, and pastes names into Python source (``torch.fx``). A network needs
none of that but sizes, operators and plain names, so only those are allowed.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import zipfile
from collections.abc import Iterator
from typing import Any

_MEMBERS = re.compile(
    r"byteorder|archive_version|archive_format|\.data/\w+|"
    r"models/\w+\.json|data/sample_inputs/\w+\.pt|"
    r"data/weights/(weight_\d+|\w+_config\.json)|data/constants/(tensor_\d+|\w+_config\.json)"
)
_OPERATORS = re.compile(
    r"torch\.ops\.(aten|torchvision)(\.\w+)+|torch\.sym_\w+|"
    r"_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|eq|ne|lt|le|gt|ge|and_|or_|getitem)"
)
_FUNCTIONS = frozenset(
    """
    Symbol Integer Rational Float Add Mul Pow Mod Max Min Abs And Or Not
    Equality Unequality LessThan StrictLessThan GreaterThan StrictGreaterThan
    FloorDiv CleanDiv CeilDiv PythonMod ModularIndexing Where Identity
    IntTrueDiv FloatTrueDiv PowByNatural ToFloat CeilToInt FloorToInt TruncToInt
    """.split()  # noqa: SIM905 (a list of quoted names would be longer than this module)
)
_DOTTED_NAME = re.compile(r"[\w.]*")
_TREE = re.compile(r"[\w\s.,:\[\]{}\"\\]*")
_PARTS = (ast.Expression, ast.Load, ast.keyword, ast.UnaryOp, ast.USub)


class _CodeError(Exception):
    """The archive may hold code; the message says where."""


def refuse_code(archive: bytes) -> None:
    """Checks that loading a program runs nothing but PyTorch's own code.

    Args:
        archive: The content of a file that ``torch.export.save`` wrote.

    Raises:
        _CodeError: It may run something else.
        BadZipFile, ValueError, KeyError, TypeError: It is not such an archive.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        for member in members.infolist():
            name = member.filename.partition("/")[2]
            if not _MEMBERS.fullmatch(name) or not _is_harmless(name, members.read(member)):
                raise _CodeError(f"{member.filename} in it may hold code")


def _is_harmless(name: str, content: bytes) -> bool:
    if name == "archive_format":
        return content == b"pt2"
    if name.startswith("data/sample_inputs/"):
        return not content
    if name.endswith("_config.json"):
        return all(_is_plain(payload) for payload in json.loads(content)["config"].values())
    if name.startswith("models/"):
        return all(_is_allowed(key, value) for key, value in _pairs(json.loads(content)))
    return True


def _is_plain(payload: dict[str, Any]) -> bool:
    """Whether a weight or a constant is stored as bare numbers."""
    return not payload["use_pickle"] and bool(
        re.fullmatch(r"(weight|tensor)_\d+", payload["path_name"])
    )


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a JSON document with its value, at any depth."""
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _pairs(child)


def _is_allowed(key: str, value: Any) -> bool:
    match key:
        case "expr_str":
            return _is_size(value)
        case "target":
            return bool(_OPERATORS.fullmatch(value))
        case "name" | "as_name":
            return value is None or _is_name(value)
        case "forward_arg_names":
            return value is None or all(map(_is_name, value))
        case "fqn" | "parameter_name" | "buffer_name" | "tensor_constant_name":
            return bool(_DOTTED_NAME.fullmatch(value))
        case "in_spec" | "out_spec":
            return value is None or bool(_TREE.fullmatch(value))
        case "as_custom_obj" | "as_operator" | "as_graph":
            return False
        case _:
            return True


def _is_name(text: str) -> bool:
    """Whether torch.fx can paste it into Python source as the name of a value or an argument."""
    return text.isidentifier() and not keyword.iskeyword(text)


def _is_size(expression: str) -> bool:
    """Whether it is a symbolic size as sympy writes it: ``Mul(Integer(32), Symbol('s30'))``."""
    try:
        return all(map(_is_part, ast.walk(ast.parse(expression, mode="eval"))))
    except SyntaxError:
        return False


def _is_part(node: ast.AST) -> bool:
    match node:
        case ast.Call():
            return isinstance(node.func, ast.Name)
        case ast.Name():
            return node.id in _FUNCTIONS
        case ast.Constant(value=str(text)):
            return text.isidentifier()
        case ast.Constant(value=value):
            return isinstance(value, int | float)
        case _:
            return isinstance(node, _PARTS)
