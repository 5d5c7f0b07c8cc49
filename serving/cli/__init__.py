"""The ``umop-serve`` command: a module for each subcommand.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import typer

from serving.cli import copy, detect, service, torchserve, try_
from serving.container import end_by_sigterm

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.callback(invoke_without_command=True)(service.serve_bundle)
app.command("try")(try_.try_)
app.command()(torchserve.torchserve)
app.command()(copy.copy)
app.command(hidden=True)(detect.detect)


def main() -> None:
    """Runs the command."""
    end_by_sigterm()
    app()
