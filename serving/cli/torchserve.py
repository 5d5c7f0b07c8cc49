"""The command that serves with TorchServe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.mistakes import mistake, one_line
from serving.torchserve.config import LogLevel, Ports, ServeOptions


def torchserve(
    model: Annotated[
        str,
        typer.Argument(
            envvar="UMOP_BUNDLE",
            help="The archive, made with: umop archive RUN; or a bundle, which is packed first; or "
            "the address of one, such as s3://… or models:/NAME@ALIAS.",
        ),
    ],
    batch_size: Annotated[
        int,
        typer.Option(
            min=1,
            envvar="UMOP_BATCH_SIZE",
            help="Most requests in a batch of a bundle, for GPUs; an archive has its own.",
        ),
    ] = 1,
    name: Annotated[
        str | None,
        typer.Option(
            envvar="UMOP_REMOTE_MODEL",
            help="TorchServe's name for a bundle's model; an archive has its own. [default: the "
            "bundle's]",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            envvar="UMOP_TORCHSERVE_HOST",
            help="Address for inference and metrics; keep it inside the cluster.",
        ),
    ] = ServeOptions.host,
    port: Annotated[int, typer.Option(help="Port of the inference API.")] = Ports.inference,
    management_port: Annotated[
        int, typer.Option(help="Port of the management API.")
    ] = Ports.management,
    metrics_port: Annotated[int, typer.Option(help="Port of Prometheus metrics.")] = Ports.metrics,
    grpc_port: Annotated[
        int, typer.Option(help="First of two ports for gRPC.")
    ] = Ports.grpc_inference,
    worker_port: Annotated[int, typer.Option(help="First of the workers' ports.")] = Ports.worker,
    verify_key: Annotated[
        Path | None,
        typer.Option(
            envvar="UMOP_VERIFY_KEY", help="Public key (PEM) that the bundle must be signed with."
        ),
    ] = None,
    trust_program: Annotated[
        bool,
        typer.Option(
            "--trust-program",
            envvar="UMOP_TRUST_PROGRAM",
            help="Allow the engine torch to run a program without a verified signature.",
        ),
    ] = False,
    max_body_bytes: Annotated[
        int, typer.Option(min=1, envvar="UMOP_MAX_BODY_BYTES", help="Largest request, in bytes.")
    ] = ServeOptions.max_body_bytes,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1,
            envvar="UMOP_MAX_PIXELS",
            help="Most pixels in one image. [default: the archive's, 50000000]",
            show_default=False,
        ),
    ] = None,
    model_api: Annotated[
        bool, typer.Option("--model-api", help="Allow models to be registered and unregistered.")
    ] = False,
    drain_timeout: Annotated[
        float, typer.Option(min=0, help="Seconds that a shutdown waits for clients to disconnect.")
    ] = ServeOptions.drain_timeout,
    log_level: Annotated[
        LogLevel, typer.Option(help="Lowest level that TorchServe logs.")
    ] = ServeOptions.log_level,
) -> None:
    """Serve an archive or a bundle with TorchServe, by default on the loopback address."""
    from serving.bundle import BundleError
    from serving.server.process import StartError

    try:
        from serving.torchserve.archive import WorkerOptions, archived
        from serving.torchserve.launcher import serve_archive
    except ModuleNotFoundError as error:
        raise mistake(f"{error.name} is not installed: pip install 'umop[torchserve]'") from None

    ports = Ports(port, management_port, metrics_port, grpc_port, grpc_port + 1, worker_port)
    options = ServeOptions(
        ports=ports,
        host=host,
        verify_key=verify_key,
        trust_program=trust_program,
        max_body_bytes=max_body_bytes,
        max_pixels=max_pixels,
        model_api=model_api,
        drain_timeout=drain_timeout,
        log_level=log_level,
    )
    workers = WorkerOptions(batch_size=batch_size)
    with one_line(StartError, BundleError), archived(model, workers, name) as archive:
        serve_archive(
            archive,
            options,
            announce=lambda url: print(f"serving {archive.stem} on {url}", flush=True),
        )
