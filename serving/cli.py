"""The ``umop-serve`` command.

Each subcommand imports what it runs by itself, so that ``--help`` is quick.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from serving.container import end_by_sigterm
from serving.settings import Settings
from serving.torchserve.config import MAX_BODY_BYTES, LogLevel, Ports

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def main() -> None:
    """Runs the command."""
    end_by_sigterm()
    app()


def _fail(message: str) -> typer.Exit:
    """Prints one line on standard error; raise what it returns."""
    print(f"umop-serve: {message}", file=sys.stderr)
    return typer.Exit(2)


@contextmanager
def _one_line(*expected: type[Exception]) -> Iterator[None]:
    """Turns expected errors into one line and exit code 2."""
    try:
        yield
    except expected as error:
        raise _fail(str(error)) from None


def _one_option_a_setting(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command of (context, **options) an option for each setting that is not a secret."""
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    parameters = [context]
    for name, field in Settings.model_fields.items():
        if not field.repr:  # a secret: `ps` shows arguments to all users
            continue
        is_list = isinstance(field.default, tuple)
        repeats = name == "bundle"
        variable = f"UMOP_{name.upper()}"
        shown = f"[env var: {variable}; default: {_shown(field.default)}]"
        option = typer.Option(
            envvar=None if repeats else variable,  # which would be split at blanks
            show_envvar=False,
            show_default=False,
            help=f"{field.description}  {shown}",
        )
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if repeats else ",".join(field.default) if is_list else field.default,
                annotation=Annotated[
                    list[str] | None if repeats else str if is_list else field.annotation, option
                ],
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _shown(default: object) -> str:
    if default in (None, ()):
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)


@app.callback(invoke_without_command=True)
@_one_option_a_setting
def _serve(context: typer.Context, **options: Any) -> None:
    """Serve a bundle: POST /detect returns the objects in an image.

    Every option is also an environment variable; an option takes precedence. API keys are set by
    UMOP_API_KEYS and UMOP_ADMIN_KEYS, or in a file, because other users can see arguments.
    """
    if context.invoked_subcommand:
        _refuse_misplaced(context, options)
        return
    if not options["bundle"]:
        del options["bundle"]  # the variable counts
    try:
        settings = Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        raise _fail(f"{first['loc'][0]}: {first['msg']}") from None
    from serving.server.process import StartError
    from serving.server.start import serve

    with _one_line(StartError):
        serve(settings)


def _refuse_misplaced(context: typer.Context, options: Mapping[str, Any]) -> None:
    """Refuses options of the service before a subcommand, which would ignore them."""
    for name in options:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise _fail(
                f"{option} is not an option of {context.invoked_subcommand}; "
                f"see umop-serve {context.invoked_subcommand} --help"
            )


@app.command("try")
def _try(
    bundle: Annotated[str, typer.Argument(help="The bundle to serve.")],
    images: Annotated[list[Path], typer.Argument(help="The images to post.")],
    out: Annotated[Path, typer.Option(help="Folder for the annotated images.")] = Path(),
) -> None:
    """Serve a bundle on a free port and try it on images."""
    from serving.bundle import BundleError
    from serving.client.smoke_test import try_bundle
    from serving.server.process import StartError

    with _one_line(BundleError, StartError, OSError):
        try_bundle(bundle, images, out)


@app.command("torchserve")
def _torchserve(
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
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the inference API.")] = 8080,
    management_port: Annotated[int, typer.Option(help="Port of the management API.")] = 8081,
    metrics_port: Annotated[int, typer.Option(help="Port of Prometheus metrics.")] = 8082,
    grpc_port: Annotated[int, typer.Option(help="First of two ports for gRPC.")] = 7070,
    worker_port: Annotated[int, typer.Option(help="First of the workers' ports.")] = 9000,
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
    ] = MAX_BODY_BYTES,
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
    ] = 30,
    log_level: Annotated[
        LogLevel, typer.Option(help="Lowest level that TorchServe logs.")
    ] = "warn",
) -> None:
    """Serve an archive or a bundle with TorchServe, by default on the loopback address."""
    from serving.bundle import BundleError
    from serving.server.process import StartError

    try:
        from serving.torchserve.archive import WorkerOptions, archived
        from serving.torchserve.launcher import serve_archive
    except ModuleNotFoundError as error:
        raise _fail(f"{error.name} is not installed: pip install 'umop[torchserve]'") from None

    ports = Ports(port, management_port, metrics_port, grpc_port, grpc_port + 1, worker_port)
    options = WorkerOptions(batch_size=batch_size)
    with _one_line(StartError, BundleError), archived(model, options, name) as archive:
        serve_archive(
            archive,
            ports,
            host=host,
            verify_key=verify_key,
            trust_program=trust_program,
            max_body_bytes=max_body_bytes,
            max_pixels=max_pixels,
            model_api=model_api,
            drain_timeout=drain_timeout,
            log_level=log_level,
            announce=lambda url: print(f"serving {archive.stem} on {url}", flush=True),
        )


@app.command("copy")
def _copy(
    bundle: Annotated[
        str,
        typer.Argument(
            help="The bundle, a folder or a zip, or its address, such as s3://… or "
            "models:/NAME@ALIAS."
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(help="The folder to write; a bundle in it is replaced.")
    ],
) -> None:
    """Copy a bundle, and check each file's SHA-256: what a cluster runs before the service."""
    from serving.bundle import Bundle, BundleError

    with _one_line(BundleError, OSError):
        opened = Bundle.open(bundle)
        opened.copy(folder)
    print(f"{opened.manifest.name} {opened.manifest.version}: {folder}")


@app.command("detect", hidden=True)
def _detect(
    paths: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    url: Annotated[str, typer.Option(envvar="UMOP_URL", help="The service's address.")] = (
        "http://127.0.0.1:8000"
    ),
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("detections"),
    form: Annotated[
        Literal["json", "coco"], typer.Option("--format", help="Format of detections.json.")
    ] = "json",
    draw: Annotated[bool, typer.Option(help="Write the images with boxes on them.")] = True,
    score_threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest score to report.")
    ] = None,
    max_detections: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Most detections in one image.")
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Class to report; repeat for several.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Images sent at the same time.")] = 4,
) -> None:
    """Send images to a running service and save the detections: now umop predict URL.

    The API key, where the service needs one, is read from UMOP_KEY.
    """
    from serving.client import Client, ClientError
    from serving.client.folder import SendOptions, find_images, send
    from serving.schemas.options import DetectOptions

    detect = DetectOptions(
        score_threshold=score_threshold,
        max_detections=max_detections,
        classes=tuple(classes) if classes else None,
    )
    options = SendOptions(detect, form, draw, jobs)
    key = os.environ.get("UMOP_KEY")
    with _one_line(ClientError, OSError), Client(url, key=key) as client:
        images = find_images(paths)
        failures = send(client, images, out, options)
    for failure in failures:
        print(f"umop-serve: {failure}", file=sys.stderr)
    print(f"{len(images) - len(failures)} of {len(images)} images: {out}/detections.json")
    print(
        f"umop-serve: detect will go; it is now: umop predict {url} PATH… --out DIR",
        file=sys.stderr,
    )
    if failures:
        raise typer.Exit(1)
