"""The commands ``umop data …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from umop.cli.options import RunName, data_path
from umop.runs.folder import RunFolder
from umop.system.console import counted, quietly
from umop.system.errors import UserError
from umop.system.exit_codes import MISTAKE

_MIN_SCORE = 0.3

app = typer.Typer(help="Fetch, check and convert data sets.", no_args_is_help=True)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/crowns"),
) -> None:
    """Fetch the demo's aerial photographs and its backbone's ImageNet weights."""
    from umop.data.public.demo import fetch_demo
    from umop.weights.pretrained import fetch_weights

    fetch_demo(folder)
    fetch_weights("tf_efficientnet_lite0")
    typer.echo(f"Photographs and boxes: {folder}")


@app.command()
def coco(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/coco"),
) -> None:
    """Fetch COCO 2017 (25 GB); the same command resumes an interrupted download."""
    from umop.data.public.coco2017 import fetch_coco

    fetch_coco(folder)
    typer.echo(f"COCO 2017: {folder}")


@app.command()
def weights(
    config: Annotated[str, typer.Argument(help="A config's name, such as swin_l.")],
    coco: Annotated[
        bool, typer.Option("--coco", help="Also what --weights coco starts from.")
    ] = False,
) -> None:
    """Fetch what a config's training starts from into $UMOP_CACHE/weights."""
    with quietly():
        from umop.config.load import load_config
        from umop.weights.finetune import fetch_starting_weights

        loaded = load_config(config)
    path = None
    for path in fetch_starting_weights(loaded, coco):
        typer.echo(f"Weights: {path}")
    if path is None:
        typer.echo(f"{config} names no weights to fetch")


@app.command()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(
            parser=data_path,
            help="The data set: a folder, a zip, or an address; several are joined.",
        ),
    ],
    fix: Annotated[
        Path | None,
        typer.Option(help="New folder for a repaired copy (COCO).", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Page that shows what was found, to write.", show_default=False),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Find what is wrong with a data set; exit code 2 where training would refuse it."""
    from umop.data.check.page import write_check_page
    from umop.data.check.table import print_table, report_as_json
    from umop.data.conversion.convert import require_new, write_fixed
    from umop.data.preparation.joining import all_files, check_each, joined_report
    from umop.data.preparation.trainable import require_split

    if fix is not None:
        require_new(fix)
    everything = fix is not None
    report = joined_report(check_each(paths, all_files(paths), everything), everything)
    if json_:
        typer.echo(report_as_json(report))
    else:
        print_table(report)
    if html is not None:
        write_check_page(report, html)
        typer.echo(f"Page: {html}", err=json_)
    if fix is not None:
        typer.echo(f"Repaired copy: {fix}, what was done: {write_fixed(report, fix)}", err=json_)
    elif report.of("error"):
        raise typer.Exit(MISTAKE)
    require_split(report)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(parser=data_path, help="The data set: a folder or a zip.")
    ],
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    to: Annotated[
        str, typer.Option(help="The format: coco, yolo, voc, labelstudio or cvat.")
    ] = "coco",
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Boxes to write in place of the data's: detections.json of umop eval.",
            show_default=False,
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            help="The lowest score of predictions to write. [default: 0.3]",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a data set of any layout as COCO, YOLO, Pascal VOC, for Label Studio or for CVAT."""
    from umop.data.check.report import data_summary
    from umop.data.conversion.convert import convert as write
    from umop.data.conversion.predictions import Predictions

    if predictions is None and min_score is not None:
        raise UserError("--min-score is for predictions: add --predictions.")
    lowest = _MIN_SCORE if min_score is None else min_score
    found = None if predictions is None else Predictions(predictions, lowest)
    typer.echo(data_summary(write(source, target, to, found)))


@app.command()
def captured(
    source: Annotated[
        Path,
        typer.Argument(parser=data_path, help="The folder or address of umop-serve --capture."),
    ],
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    to: Annotated[
        str, typer.Option(help="The format: coco, yolo, voc, labelstudio or cvat.")
    ] = "labelstudio",
) -> None:
    """Write captured images with the model's boxes for a person to correct, unsure ones first."""
    from umop.data.check.report import data_summary
    from umop.data.conversion.captured import read_captured
    from umop.data.conversion.convert import format_named, require_new, write_data_set

    format = format_named(to)
    require_new(target)
    typer.echo(data_summary(write_data_set(read_captured(source), target, format)))


@app.command()
def suspects(run: RunName) -> None:
    """Show the labels that a run suspects most: missing, surplus, wrong class, imprecise."""
    target = RunFolder.named(run)
    with quietly():
        from umop.evaluation.run_suspects import suspects_of
        from umop.report import write_suspects

        found, folders = suspects_of(target)
        page, table = write_suspects(target, found, folders)
    typer.echo(f"{counted(len(found), 'suspect label')}: {page}, {table}")
