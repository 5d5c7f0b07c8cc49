"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value: optim_wrapper.optimizer.lr=0.001. Repeatable."),
]
RunName = Annotated[str, typer.Argument(help="Name of a run in runs/, or its folder.")]


def data_path(text: str) -> Path:
    """A path or an address that the command line names.

    Raises:
        typer.BadParameter: The text is empty, as of a variable of the shell that is not set.
    """
    if not text:
        raise typer.BadParameter("The path is empty.")
    return Path(text)


Data = Annotated[
    Path | None,
    typer.Option(
        parser=data_path,
        metavar="<path>",
        help="Folder or zip of the data set, or its address, in place of the config's own.",
        show_default=False,
    ),
]
