"""Whether a run may take the place of another: ``umop compare``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from umop.cli.options import Data
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.system.errors import UserError
from umop.system.exit_codes import WORSE

if TYPE_CHECKING:
    from umop.evaluation.compare import Comparison


def compare(
    a: Annotated[str, typer.Argument(help="Name of the run that is there, or its folder.")],
    b: Annotated[str, typer.Argument(help="Name of the run that might take its place.")],
    data: Data = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say whether B is worse than A by more than chance explains; exit code 3 if so."""
    if a == b:
        raise UserError(f"{a} is compared with itself. Name two runs.")
    with quietly():
        from umop.evaluation.gate import compare as compare_runs

        found = compare_runs(RunFolder.named(a), RunFolder.named(b), data)
    worse = [each.name or "AP" for each in found.worse()]
    if json_:
        typer.echo(json.dumps({**asdict(found), "worse": worse}, indent=2))
    else:
        _show(a, b, found)
    if worse:
        raise typer.Exit(WORSE)


def _show(a: str, b: str, found: Comparison) -> None:
    """Prints a table and what follows from it."""
    from rich.console import Console
    from rich.table import Table

    from umop.evaluation.compare import in_words

    title = f"AP in the same {found.images} images, and the 95 % interval of the difference"
    table = Table("", title=title, title_justify="left")
    for name in (a, b, "difference", "interval", ""):
        table.add_column(name, justify="right")
    for each in (found.mean, *found.classes):
        low, high = each.interval
        verdict = "worse" if each.is_worse else "better" if low > 0 else ""
        numbers = f"{each.a:.3f}", f"{each.b:.3f}", f"{each.b - each.a:+.3f}"
        table.add_row(each.name or "all classes", *numbers, f"{low:+.3f} to {high:+.3f}", verdict)
    Console(soft_wrap=True).print(table)
    if found.unjudged:
        typer.echo(f"In too few images to be judged: {', '.join(found.unjudged)}")
    worse = found.worse()
    if worse:
        typer.echo(f"{b} is worse than {a}: {in_words(worse)}")
    else:
        typer.echo(f"{b} is not worse than {a} by more than chance explains")
