"""The ``umop`` command: a module for each group of subcommands.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
import threading

import typer

from serving.shared import end_by_sigterm
from umop.cli import (
    compare,
    config,
    data,
    doctor,
    evaluate,
    export,
    predict,
    report,
    runs,
    train,
)
from umop.system.console import report_thread
from umop.system.errors import (
    NOT_WRITABLE,
    FailedRankError,
    FetchError,
    MachineError,
    TrainingError,
    UserError,
    is_of_full_disk,
)
from umop.system.exit_codes import MISTAKE, exit_code_of

app = typer.Typer(
    add_completion=False,
    help="Train, evaluate, export and use one-stage detectors with UMOP's per-level focal loss.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(train.train)
app.command("eval")(evaluate.evaluate)
app.command()(compare.compare)
app.command()(export.export)
app.command("sign")(export.sign_bundle)
app.command()(export.archive)
app.command()(export.register)
app.command()(predict.predict)
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
    except FailedRankError as failed:
        sys.exit(failed.exit_code)
    except Exception as error:
        message = _mistake(error)
        if message is None and not isinstance(error, TrainingError | FetchError):
            raise
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(message or str(error), err=True)
        is_mistake = message is not None and not _is_of_machine(error)
        sys.exit(MISTAKE if is_mistake else exit_code_of(error))


def _is_of_machine(error: Exception) -> bool:
    """Whether another machine may have what this one lacks."""
    return is_of_full_disk(error) or isinstance(error, MachineError)


def _mistake(error: Exception) -> str | None:
    """What a user did wrong, in one line; None for an error that is the program's own."""
    from serving.shared import BundleError, EngineError

    if isinstance(error, UserError):
        return error.summary()
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        return f"{error.filename or 'A file'} cannot be read or written: {error.strerror}."
    return str(error) if isinstance(error, BundleError | EngineError) else None
