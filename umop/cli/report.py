"""Show runs on a page: ``umop report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from umop.runs.folder import ROOT, RunFolder
from umop.system.console import quietly


def report(
    runs: Annotated[list[str], typer.Argument(help="Names of runs in runs/, or their folders.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page to write. [default: report.html in the run's folder, "
            "runs/comparison.html for several runs]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a page that shows a run, or puts several runs side by side."""
    found = [RunFolder.named(name) for name in dict.fromkeys(runs)]
    with quietly():
        from umop.report import write_comparison, write_report

        if len(found) == 1:
            page = write_report(found[0], out)
        else:
            page = write_comparison(found, out or ROOT / "comparison.html")
    typer.echo(f"Report: {page}")
