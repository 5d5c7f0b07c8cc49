"""Finds config files by the names that a user types."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from umop.system.errors import UserError

CONFIGS = Path(__file__).parents[1] / "configs"


def config_names() -> list[str]:
    """The names of the configs, sorted: ``r50``, …, ``plugin/gfl``, …."""
    files = [*CONFIGS.glob("*.py"), *CONFIGS.glob("plugin/*.py")]
    return sorted(str(path.relative_to(CONFIGS).with_suffix("")) for path in files)


def config_path(name: str) -> Path:
    """The file of a config.

    Args:
        name: A name such as ``r50``, or the path of a config file of the user's own.

    Raises:
        UserError: There is no such config.
    """
    path = Path(name) if name.endswith(".py") else CONFIGS / f"{name}.py"
    if path.is_file():
        return path
    if Path(name).is_dir():
        raise UserError(
            f"'{name}' is a folder, not a config. To train on data of your own: umop train small "
            f"--data {name}"
        )
    raise UserError(f"There is no config {name!r}.{_suggestion(name)}")


def base_path(name: str, child: Path) -> Path:
    """The file of a base that a config inherits from.

    Args:
        name: As the config has it: ``r50`` or ``_base_/coco`` from anywhere, or a path relative
            to the config.
        child: The config's own file.

    Raises:
        UserError: There is no such config.
    """
    beside = child.parent / name
    shipped = CONFIGS / f"{name.removesuffix('.py')}.py"
    candidates = [beside, shipped] if name.endswith(".py") else [shipped, Path(f"{beside}.py")]
    for path in candidates:
        if path.is_file():
            return path
    raise UserError(f"{child}: there is no config '{name}' to inherit from.{_suggestion(name)}")


def _suggestion(name: str) -> str:
    """What to type instead of an unknown name of a config."""
    return f"{did_you_mean(name, config_names())} Choose one of: {', '.join(config_names())}."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Names the nearest of the known names; empty where none is near."""
    close = get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def config_summary(name: str) -> str:
    """The first line of a config's docstring."""
    docstring = ast.get_docstring(ast.parse(config_path(name).read_text())) or ""
    return docstring.partition("\n")[0]
