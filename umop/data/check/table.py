"""Prints a report: a table for people, JSON for machines."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from umop.data.check.report import Report

_EXAMPLES = 3
_WIDEST = 10_000
_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def print_table(report: Report) -> None:
    """Prints what was found, a row for each kind, errors first."""
    console = Console()
    console.print(report.headline(), highlight=False, markup=False, soft_wrap=True)
    if not report.findings:
        console.print("Nothing is wrong with it.")
        return
    table = Table(show_lines=True)
    table.add_column("")
    table.add_column("what", ratio=2)
    table.add_column("count", justify="right")
    table.add_column("examples", ratio=3, overflow="fold")
    for rule, found in report.by_rule():
        examples = "\n".join(each.text for each in found[:_EXAMPLES])
        done = f"\n({found[0].repaired})" if found[0].repaired else ""
        severity = f"[{_COLOURS[rule.severity]}]{rule.severity}[/]"
        table.add_row(severity, rule.title + done, str(len(found)), Text(examples))
    if not console.is_terminal:  # lines stay whole in a pipe or a file
        console.width = console.measure(
            table, options=console.options.update(width=_WIDEST)
        ).maximum
    console.print(table, highlight=False)


def report_as_json(report: Report) -> str:
    """Everything that was found, as JSON."""
    data = report.data
    return json.dumps(
        {
            "data": str(data.root),
            "layout": data.layout,
            "pictures": len(data.images),
            "boxes": len(data.boxes),
            "classes": data.classes,
            "counts": dict(report.counts()),
            "findings": [
                {
                    "rule": each.rule,
                    "severity": each.severity,
                    "text": each.text,
                    "picture": None if each.image is None else str(each.image),
                    "box": each.box,
                    "repaired": each.repaired or None,
                }
                for each in report.findings
            ],
        },
        indent=2,
    )
