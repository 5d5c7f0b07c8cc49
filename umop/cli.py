"""The ``umop`` command.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from serving.schemas.names import EngineName, Precision
from umop.console import quietly
from umop.errors import UserError
from umop.run import Run

app = typer.Typer(
    add_completion=False,
    help="Train, evaluate and export one-stage detectors with UMOP's per-level focal loss.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Fetch and lay out data sets.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value: optim_wrapper.optimizer.lr=0.001. Repeatable."),
]
RunName = Annotated[str, typer.Argument(help="Name of a run in runs/, or its folder.")]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the data set, in place of the one in the config.", show_default=False
    ),
]


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="A config's name, such as demo, or a file.")],
    run: Annotated[
        str | None,
        typer.Option(help="Name of the run. [default: the config's name]", show_default=False),
    ] = None,
    data: Data = None,
    device: Annotated[
        Literal["auto", "cpu"], typer.Option(help="The GPUs, or the processor for small data.")
    ] = "auto",
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="How many train together. [default: one for each GPU]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, in place of the config's.")] = None,
    set_: Changes = None,
) -> None:
    """Train a model; the same command again goes on where it was interrupted."""
    target = Run.to_train(Path(config).stem if run is None else run)
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with quietly():
        from umop.config.load import load_config
        from umop.training.train import train as start

        seeded = [] if seed is None else [f"randomness.seed={seed}"]
        loaded = load_config(config, [*(set_ or []), *seeded])
        checkpoint = start(loaded, target, data, on_cpu=device == "cpu", processes=processes)
    typer.echo(f"Trained: {checkpoint}")
    if last := target.last_metrics():
        values = ", ".join(f"{name} {shown(last[name])}" for name in ("AP", "AP50"))
        typer.echo(f"On the validation data, at iteration {last['iter']}: {values}")


def shown(metric: float) -> str:
    """A metric as it is printed; COCO's tools give -1 where there is nothing to measure."""
    return f"{metric:.3f}" if metric >= 0 else "no boxes"


@app.command("eval")
def evaluate(
    run: RunName,
    data: Data = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Measure the run's bundle, not its checkpoint.")
    ] = False,
    engine: Annotated[EngineName, typer.Option(help="What runs the bundle.")] = "onnxruntime",
    tta: Annotated[
        bool, typer.Option("--tta", help="Test-time augmentation: several sizes, and flipped.")
    ] = False,
) -> None:
    """Print COCO's twelve numbers for a trained model."""
    if bundle and tta:
        raise UserError("--tta is for checkpoints; leave out --bundle or --tta.")
    target = Run.named(run)
    with quietly():
        from umop.evaluation import METRICS
        from umop.evaluation.evaluate import evaluate as measure
        from umop.export.measure import evaluate_run_bundle

        metrics = (
            evaluate_run_bundle(target, data, engine) if bundle else measure(target, data, tta)
        )
    title = f"{(target.bundle if bundle else target.folder).name}: box AP and AR"
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("metric")
    table.add_column("measured at")
    table.add_column("value", justify="right")
    for name, meaning in METRICS.items():
        table.add_row(name, meaning, shown(metrics[name]))
    Console(soft_wrap=True).print(table)
    if not bundle:
        of = f", of the data {data}" if data else ""
        typer.echo(f"Kept in {target.kept_evaluation(data, tta)}{of}")


@app.command()
def export(
    run: RunName,
    version: Annotated[
        str | None,
        typer.Option(help="Version that the served model gets. [default: 1.0]", show_default=False),
    ] = None,
    precision: Annotated[Precision, typer.Option(help="The network's arithmetic.")] = "fp32",
    sample: Annotated[
        list[Path] | None,
        typer.Option(
            help="Picture that the web page offers to try, stored in the bundle. Repeatable.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Export again even if nothing changed.")] = False,
    sign: Annotated[
        Path | None,
        typer.Option(help="Private key (PEM) to sign the bundle with.", show_default=False),
    ] = None,
) -> None:
    """Write the bundle that is served, and check that it finds what the checkpoint finds."""
    from serving.bundle import Bundle
    from serving.bundle.signature import Signer

    target = Run.named(run)
    signer = Signer(sign) if sign else None
    typer.echo(f"Exporting {target.folder}: a minute for a small network, some for a Swin")
    with quietly():
        from umop.export import VERSION, is_exported
        from umop.export import export as write

        samples = sample or []
        exported = not force and is_exported(target, version, precision, samples)
        done = None if exported else write(target, version or VERSION, precision, samples)
    if signer:
        typer.echo(f"Signed: {Bundle.open(target.bundle).sign(signer)}")
    if done is None:
        typer.echo(f"{target.bundle} is already that of the newest checkpoint")
        return
    typer.echo(f"Bundle: {target.bundle}")
    for engine, difference in done.differences.items():
        typer.echo(
            f"With {engine} it finds what mmdet finds: {difference.detections} detections in "
            f"{difference.images} pictures, boxes within {difference.box:.1g} px, scores within "
            f"{difference.score:.1g}"
        )
    if done.ap_loss is not None:
        typer.echo(f"COCO AP falls by {100 * done.ap_loss:.2f} points in {precision}")


@app.command("sign")
def sign_bundle(
    run: RunName,
    key: Annotated[Path, typer.Option(help="Private key (PEM) to sign with.")],
) -> None:
    """Sign a run's bundle, so that umop-serve --verify-key can tell that it is yours."""
    from serving.bundle import Bundle
    from serving.bundle.signature import Signer

    signer = Signer(key)
    typer.echo(f"Signed: {Bundle.open(Run.named(run).bundle).sign(signer)}")


@app.command()
def archive(
    run: RunName,
    batch_size: Annotated[int, typer.Option(min=1, help="Most requests in a batch.")] = 8,
    batch_delay_ms: Annotated[
        int, typer.Option(min=0, help="Milliseconds that a request waits for others.")
    ] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Processes; each loads the model.")] = 1,
    threads: Annotated[
        int, typer.Option(min=0, help="CPU threads of a worker; 0 for one a core.")
    ] = 0,
    engine: Annotated[
        Literal["auto", "onnxruntime", "torch"],
        typer.Option(
            help="What runs the network; auto is torch where there are a GPU and a model.pt2."
        ),
    ] = "auto",
) -> None:
    """Pack a run's bundle as an archive that TorchServe serves."""
    from serving.torchserve.archive import WorkerOptions, write_archive

    target = Run.named(run)
    options = WorkerOptions(batch_size, batch_delay_ms, workers, threads, engine)
    written = write_archive(target.bundle, target.archive, options)
    typer.echo(f"Archive: {written}\nServe it: make torchserve RUN={run}")


@app.command("config")
def show_config(
    name: Annotated[str | None, typer.Argument(help="A config's name, or a file.")] = None,
    set_: Changes = None,
    list_: Annotated[bool, typer.Option("--list", help="List all configs, a line each.")] = False,
) -> None:
    """Print a config with all that it inherits, as a file that can be trained."""
    if list_ == (name is not None):
        raise UserError("Name one config, or list all: umop config demo, umop config --list.")
    if name is None:
        from umop.config.files import config_names, summary

        names = config_names()
        width = max(map(len, names))
        typer.echo("\n".join(f"{one:{width}}  {summary(one)}" for one in names))
        return
    with quietly():
        from umop.config.load import load_config

        text = load_config(name, set_ or []).pretty_text
    typer.echo(text)


@data_app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/crowns"),
) -> None:
    """Fetch the demo's aerial photographs and its backbone's ImageNet weights."""
    from umop.data.demo import fetch_demo

    fetch_demo(folder)
    typer.echo(f"Photographs and boxes: {folder}")


@data_app.command()
def coco(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/coco"),
) -> None:
    """Fetch COCO 2017 (25 GB); the same command again goes on where it broke off."""
    from umop.data.coco2017 import fetch_coco

    fetch_coco(folder)
    typer.echo(f"COCO 2017: {folder}")


@data_app.command()
def weights(
    config: Annotated[str, typer.Argument(help="A config's name, such as swin_l.")],
) -> None:
    """Fetch a config's pretrained weights into $UMOP_CACHE/weights."""
    with quietly():
        from umop.config.load import load_config
        from umop.weights import fetch_weights, named_by

        name = named_by(load_config(config))
        path = fetch_weights(name) if name else None
    typer.echo(f"Weights: {path}" if path else f"{config} names no weights to fetch")


@app.command("import-checkpoint")
def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="Checkpoint in the authors' format.")],
    config: Annotated[str, typer.Option(help="The config it was trained with, such as r50.")],
    run: Annotated[
        str | None,
        typer.Option(help="Name of the run it becomes. [default: the config's name]"),
    ] = None,
) -> None:
    """Make a run of a published checkpoint, to evaluate, export and serve."""
    target = Run.to_train(Path(config).stem if run is None else run)
    with quietly():
        from umop.config.load import load_config
        from umop.published import import_published

        written = import_published(file, load_config(config), target)
    typer.echo(f"Imported: {written}\nEvaluate it: umop eval {target.name}")


def main() -> None:
    """Runs the command. A user's mistake is one line on stderr and exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = mistake(error)
        if message is None:
            raise
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(message, err=True)
        sys.exit(2)


def mistake(error: Exception) -> str | None:
    """What a user did wrong, in one line; None for an error that is the program's own."""
    from serving.bundle import BundleError
    from serving.inference.engines import EngineError

    if isinstance(error, UserError):
        return error.summary()
    return str(error) if isinstance(error, BundleError | EngineError) else None


if __name__ == "__main__":
    main()
