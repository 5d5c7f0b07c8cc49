"""Look at runs: ``umop runs``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from umop.runs.evaluation import format_metric
from umop.runs.folder import ROOT
from umop.system.console import duration

if TYPE_CHECKING:
    from umop.runs.listing import ListedRun


def runs(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the runs in runs/: state, iteration, AP of the last evaluation, age."""
    from umop.runs.listing import runs_in

    found = runs_in(ROOT)
    if json_:
        typer.echo(json.dumps([asdict(row) for row in found], indent=2))
    elif not found:
        typer.echo(f"No runs in {ROOT.resolve()} yet. Train one: umop train demo")
    else:
        _show(found)


def _show(found: Sequence[ListedRun]) -> None:
    """Prints a table of runs."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("run", "state")
    for name in ("iteration", "AP", "age"):
        table.add_column(name, justify="right")
    for row in found:
        ap = "" if row.ap is None else format_metric(row.ap)
        table.add_row(escape(row.name), row.state, str(row.iteration or ""), ap, duration(row.age))
    Console(soft_wrap=True).print(table)
