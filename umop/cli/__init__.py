"""The ``umop`` command: a module for each group of subcommands.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
import threading

import typer

from serving.shared import end_by_sigterm
from umop.cli import config, data, doctor, evaluate, export, report, runs, train
from umop.distributed.signals import ignore_signals
from umop.system.errors import (
    NO_SPACE,
    NOT_WRITABLE,
    FetchError,
    Stopped,
    TrainingError,
    UserError,
)
from umop.system.exit_codes import MISTAKE, STOPPED, exit_code_of

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
app.command()(runs.runs)
app.command()(report.report)
app.add_typer(data.app, name="data")


def main() -> None:
    """Runs the command. What a user can understand is one line on stderr and an exit code."""
    end_by_sigterm()
    threading.excepthook = report_thread
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Stopped as stopped:
        ignore_signals()
        if str(stopped):
            typer.echo(str(stopped), err=True)
        sys.exit(STOPPED)
    except Exception as error:
        message = mistake(error)
        if message is None and not isinstance(error, TrainingError | FetchError):
            raise
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(message or str(error), err=True)
        sys.exit(MISTAKE if message else exit_code_of(error))


def report_thread(failed: threading.ExceptHookArgs) -> None:
    """Prints the traceback of a thread; a full disk is said once, by the main thread."""
    if not isinstance(failed.exc_value, OSError) or failed.exc_value.errno not in NO_SPACE:
        threading.__excepthook__(failed)


def mistake(error: Exception) -> str | None:
    """What a user did wrong, in one line; None for an error that is the program's own."""
    from serving.shared import BundleError, EngineError

    if isinstance(error, UserError):
        return error.summary()
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        return f"{error.filename or 'A file'} cannot be written: {error.strerror}."
    return str(error) if isinstance(error, BundleError | EngineError) else None
