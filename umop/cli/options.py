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
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder or zip of the data set, or its address, in place of the config's own.",
        show_default=False,
    ),
]
