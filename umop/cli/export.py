"""Commands that make of a run what is served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.shared import ArchiveEngine, Precision
from umop.cli.options import RunName, data_path
from umop.runs.folder import RunFolder
from umop.system.console import counted, quietly
from umop.system.errors import UserError
from umop.system.fetched import address_in

if TYPE_CHECKING:
    from umop.export.bundle import Export
    from umop.export.verify import Deviation


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
            help="Image that the web page offers to try, stored in the bundle. Repeatable.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Export again even if nothing changed.")] = False,
    sign: Annotated[
        Path | None,
        typer.Option(help="Private key (PEM) to sign the bundle with.", show_default=False),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            envvar="UMOP_MIRROR",
            help="Bring the run from where training mirrored it, and put its bundle there.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            parser=data_path,
            metavar="<address>",
            help="Bring the data that was trained on, from its address: s3://bucket/photos.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the bundle that is served, and check that it finds what the checkpoint finds."""
    from serving.shared import Bundle, Signer

    target = RunFolder.named(run)
    signer = Signer(sign) if sign else None
    if mirror or data:
        _bring(target, mirror, data)
    typer.echo(f"Exporting {target.folder}: a minute for a small network, some for a Swin")
    with quietly():
        from umop.export import export_if_changed

        done = export_if_changed(target, version, precision, sample or [], force)
    if signer:
        typer.echo(f"Signed: {Bundle.open(target.bundle).sign(signer)}")
    if done is None:
        typer.echo(f"{target.bundle} is already that of {target.best_checkpoint().name}")
    else:
        _show(done, target, precision)
    if mirror:
        from umop.runs.publish import publish

        typer.echo(f"Serve it: umop-serve --bundle {publish(target, mirror)}")


def _bring(run: RunFolder, mirror: str | None, data: Path | None) -> None:
    """Brings what another disk has of a run, and the data that it was trained on.

    Raises:
        FetchError: Storage does not answer.
        UserError: Storage refuses, or the data is named by a path.
    """
    if data and address_in(data) is None:
        raise UserError(
            f"--data takes an address in object storage, not {data}: a run remembers the paths of "
            "its data."
        )
    with quietly():
        from umop.data.recognition import files_of
        from umop.runs.uploads import bring
        from umop.training.claim import done_here

        if mirror:
            bring(run, mirror, done_here(run), needs_best=True)
        if data:
            files_of(data)


def _show(done: Export, run: RunFolder, precision: Precision) -> None:
    """Prints what an export has shown."""
    typer.echo(f"Bundle: {run.bundle}")
    for engine, difference in done.differences.items():
        typer.echo(_comparison(engine, difference), err=difference.detections == 0)
    if done.ap_loss is not None:
        typer.echo(f"COCO AP falls by {100 * done.ap_loss:.2f} points in {precision}")


def _comparison(engine: str, difference: Deviation) -> str:
    """What a comparison of a bundle with mmdet has shown, in a line."""
    images = counted(difference.images, "image")
    if difference.detections == 0:
        return (
            f"warning: with {engine} nothing was compared: mmdet has no detection in {images} that "
            "scores high enough. Whether the bundle finds what mmdet finds is not known."
        )
    return (
        f"With {engine} it finds what mmdet finds: {counted(difference.detections, 'detection')} "
        f"in {images}, boxes within {difference.box:.1g} px, scores within {difference.score:.1g}"
    )


def sign_bundle(
    run: RunName,
    key: Annotated[Path, typer.Option(help="Private key (PEM) to sign with.")],
) -> None:
    """Sign a run's bundle, so that umop-serve --verify-key can tell that it is yours."""
    from serving.shared import Bundle, Signer

    signer = Signer(key)
    typer.echo(f"Signed: {Bundle.open(RunFolder.named(run).bundle).sign(signer)}")


def archive(
    run: RunName,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Most requests in a batch; more than one is for GPUs.")
    ] = 1,
    batch_delay_ms: Annotated[
        int, typer.Option(min=0, help="Milliseconds that a request waits for others.")
    ] = 10,
    workers: Annotated[int, typer.Option(min=1, help="Processes; each loads the model.")] = 1,
    threads: Annotated[
        int, typer.Option(min=0, help="CPU threads of a worker; 0 for one a core that it may use.")
    ] = 0,
    engine: Annotated[
        ArchiveEngine,
        typer.Option(
            help="What runs the network; auto is torch where there are a GPU and a model.pt2."
        ),
    ] = "auto",
) -> None:
    """Pack a run's bundle as an archive that TorchServe serves."""
    from serving.shared import WorkerOptions, write_archive

    target = RunFolder.named(run)
    options = WorkerOptions(batch_size, batch_delay_ms, workers, threads, engine)
    written = write_archive(target.bundle, target.archive, options)
    typer.echo(f"Archive: {written}\nServe it: umop-serve torchserve {written}")


def register(
    run: RunName,
    alias: Annotated[
        str, typer.Option(help="Alias that the version gets, such as candidate or champion.")
    ],
    name: Annotated[
        str | None,
        typer.Option(help="The model's name there. [default: the bundle's]", show_default=False),
    ] = None,
) -> None:
    """Put a run's bundle into the model registry of the MLflow server MLFLOW_TRACKING_URI."""
    from umop.runs.registry import register

    done = register(RunFolder.named(run), alias, name)
    state = "Registered" if done.is_new else "Already registered"
    typer.echo(f"{state}: version {done.version}, {done.page}")
    typer.echo(f"Serve it: umop-serve --bundle {done.address} --bundle-poll 60")
