"""The command that copies a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.mistakes import one_line


def copy(
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

    with one_line(BundleError, OSError):
        opened = Bundle.open(bundle)
        opened.copy(folder)
    print(f"{opened.manifest.name} {opened.manifest.version}: {folder}")
