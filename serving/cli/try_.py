"""The command that serves a bundle to try it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.mistakes import one_line


def try_(
    bundle: Annotated[str, typer.Argument(help="The bundle to serve.")],
    images: Annotated[list[Path], typer.Argument(help="The images to post.")],
    out: Annotated[Path, typer.Option(help="Folder for the annotated images.")] = Path(),
) -> None:
    """Serve a bundle on a free port and try it on images."""
    from serving.bundle import BundleError
    from serving.client.try_bundle import try_bundle
    from serving.server.process import StartError

    with one_line(BundleError, StartError, OSError):
        try_bundle(bundle, images, out)
