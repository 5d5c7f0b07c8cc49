"""The command that shows configs."""

from __future__ import annotations

from typing import Annotated

import typer

from umop.cli.options import Changes
from umop.system.console import quietly
from umop.system.errors import UserError


def show_config(
    name: Annotated[str | None, typer.Argument(help="A config's name, or a file.")] = None,
    set_: Changes = None,
    list_: Annotated[bool, typer.Option("--list", help="List all configs, a line each.")] = False,
) -> None:
    """Print a config with all that it inherits, as a file that can be trained."""
    if list_ == (name is not None) or (list_ and set_):
        raise UserError("Name one config, or list all: umop config demo, umop config --list.")
    if name is None:
        from umop.config.files import config_names, config_summary

        names = config_names()
        width = max(map(len, names))
        typer.echo("\n".join(f"{one:{width}}  {config_summary(one)}" for one in names))
        return
    with quietly():
        from umop.config.load import load_config

        text = load_config(name, set_ or []).pretty_text
    typer.echo(text)
