"""Finds and reads the configs that a user names."""

from __future__ import annotations

import difflib
from ast import literal_eval
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from umop.errors import UserError

FOLDER = Path(__file__).parent / "configs"


def config_names() -> list[str]:
    """The names that :func:`load_config` takes, sorted: ``r50``, …, ``plugin/gfl``, …."""
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("plugin/*.py")]
    return sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in files)


def load_config(name: str) -> Config:
    """Reads a config.

    Args:
        name: A name such as ``r50``, or the path of a config file of the user's own.

    Raises:
        UserError: There is no such config, or the file cannot be read.
    """
    path = Path(name) if name.endswith(".py") else FOLDER / f"{name}.py"
    if not path.is_file():
        raise UserError(f"There is no config '{name}'.{suggestion(name)}")
    try:
        return Config.fromfile(path)
    except (SyntaxError, OSError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read as a config: {error}") from error


def suggestion(name: str) -> str:
    """What to type instead of an unknown name."""
    close = difflib.get_close_matches(name, config_names(), n=1)
    meant = f" Did you mean '{close[0]}'?" if close else ""
    return f"{meant} Choose one of: {', '.join(config_names())}."


def override(config: Config, assignments: Sequence[str]) -> None:
    """Changes values of a config.

    Args:
        config: The config, changed in place.
        assignments: Such as ``optim_wrapper.optimizer.lr=0.001``; values are Python literals, and
            text where they are not.

    Raises:
        UserError: An assignment has no ``=``, or names nothing that the config has.
    """
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"'{assignment}' must be written as name=value.")
        try:
            config.merge_from_dict({name: literal(value)}, allow_list_keys=True)
        except (AttributeError, KeyError, TypeError, IndexError) as error:
            raise UserError(f"The config has nothing called '{name}' to set: {error}") from error


def literal(text: str) -> object:
    """The value of a Python literal; the text itself where it is none."""
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError):
        return text
