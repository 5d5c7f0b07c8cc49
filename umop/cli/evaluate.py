"""The command that measures a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from serving.shared import EngineName
from umop.cli.options import Data, RunName
from umop.runs.evaluation import Thresholds, format_metric
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.system.errors import UserError


def evaluate(
    run: RunName,
    data: Data = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Measure the run's bundle, not its checkpoint.")
    ] = False,
    engine: Annotated[
        EngineName | None,
        typer.Option(
            help="What runs the bundle. [default: onnxruntime]",
            show_default=False,
        ),
    ] = None,
    tta: Annotated[
        bool, typer.Option("--tta", help="Test-time augmentation: several sizes, and flipped.")
    ] = False,
    precision: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=1.0,
            help="Choose the lowest thresholds that reach it, such as 0.95. [default: best F1]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print COCO's twelve numbers for a trained model."""
    if bundle and (tta or precision):
        raise UserError("--tta and --precision are for checkpoints; leave them or --bundle out.")
    if engine and not bundle:
        raise UserError("--engine is for bundles: add --bundle.")
    target = RunFolder.named(run)
    with quietly():
        from umop.evaluation.evaluate import evaluate as evaluate_run
        from umop.export.measure import evaluate_run_bundle
        from umop.report import write_report

        thresholds = None
        if bundle:
            metrics = evaluate_run_bundle(target, data, engine or "onnxruntime")
        else:
            record = evaluate_run(target, data, tta, precision)
            metrics, thresholds = record.metrics, record.thresholds
            if data is None:
                write_report(target)
    _show(f"{(target.bundle if bundle else target.folder).name}: box AP and AR", metrics)
    if thresholds:
        typer.echo(_in_words(thresholds))
    if not bundle:
        of = f", of the data {data}" if data else ""
        typer.echo(f"Kept in {target.kept_evaluation(data, tta)}{of}")


def _show(title: str, metrics: Mapping[str, float]) -> None:
    """Prints a table of COCO's twelve numbers."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from umop.evaluation import METRICS

    table = Table("metric", "measured at", title=escape(title), title_justify="left")
    table.add_column("value", justify="right")
    for name, meaning in METRICS.items():
        table.add_row(name, meaning, format_metric(metrics[name]))
    Console(soft_wrap=True).print(table)


def _in_words(thresholds: Thresholds) -> str:
    """The scores that were chosen."""
    target = thresholds.precision
    why = "the best F1" if target is None else f"a precision of {target:g}"
    single = "".join(f", {name} {score:.2f}" for name, score in thresholds.classes.items())
    return f"Thresholds for {why} at IoU 0.50: {thresholds.score:.2f} for all classes{single}"
