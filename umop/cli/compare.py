"""Whether a run may take the place of another: ``umop compare``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from umop.cli.options import Data
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.system.exit_codes import WORSE

if TYPE_CHECKING:
    from umop.evaluation.compare import Comparison


def compare(
    a: Annotated[str, typer.Argument(help="Name of the run that is there, or its folder.")],
    b: Annotated[str, typer.Argument(help="Name of the run that might take its place.")],
    data: Data = None,
    each_class: Annotated[
        bool,
        typer.Option("--each-class", help="Exit code 3 also where a single class is worse."),
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say whether B is worse than A by more than chance explains; exit code 3 if so."""
    with quietly():
        from umop.evaluation.gate import compare as compare_runs

        found = compare_runs(RunFolder.named(a), RunFolder.named(b), data)
    if json_:
        verdict = {"is_worse": found.mean.is_worse, "worse_classes": found.worse()}
        typer.echo(json.dumps({**verdict, **asdict(found)}, indent=2))
    else:
        _show(a, b, found)
    if found.mean.is_worse or (each_class and found.worse()):
        raise typer.Exit(WORSE)


def _show(a: str, b: str, found: Comparison) -> None:
    """Prints a table and what follows from it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    title = f"AP in the same {found.images} images, and the 95 % interval of the difference"
    table = Table("", title=title, title_justify="left")
    for name in (escape(a), escape(b), "difference", "interval", ""):
        table.add_column(name, justify="right")
    for each in (found.mean, *found.classes):
        table.add_row(escape(each.title), *each.texts, each.verdict)
    Console(soft_wrap=True).print(table)
    if found.unjudged:
        typer.echo(f"In too few images to be judged: {', '.join(found.unjudged)}")
    verdict = "is worse" if found.mean.is_worse else "is not worse"
    classes = ", ".join(f"'{name}'" for name in found.worse())
    text = f"{b} {verdict} than {a} by more than chance explains"
    typer.echo(f"{text}; in these classes it is: {classes}" if classes else text)
