"""The ``umop`` command: a module for each group of subcommands.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys

import typer

from umop.cli import config, data, doctor, evaluate, export, train
from umop.errors import UserError
from umop.exit_codes import MISTAKE

app = typer.Typer(
    add_completion=False,
    help="Train, evaluate and export one-stage detectors with UMOP's per-level focal loss.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(train.train)
app.command("eval")(evaluate.evaluate)
app.command()(export.export)
app.command("sign")(export.sign_bundle)
app.command()(export.archive)
app.command("config")(config.show_config)
app.command()(train.import_checkpoint)
app.command()(doctor.doctor)
app.add_typer(data.app, name="data")


def main() -> None:
    """Runs the command. A user's mistake is one line on stderr and exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = mistake(error)
        if message is None:
            raise
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(message, err=True)
        sys.exit(MISTAKE)


def mistake(error: Exception) -> str | None:
    """What a user did wrong, in one line; None for an error that is the program's own."""
    from serving.bundle import BundleError
    from serving.inference.engines import EngineError

    if isinstance(error, UserError):
        return error.summary()
    return str(error) if isinstance(error, BundleError | EngineError) else None
