"""The commands ``umop data …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from umop.console import quietly

app = typer.Typer(help="Fetch and lay out data sets.", no_args_is_help=True)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/crowns"),
) -> None:
    """Fetch the demo's aerial photographs and its backbone's ImageNet weights."""
    from umop.data.demo import fetch_demo

    fetch_demo(folder)
    typer.echo(f"Photographs and boxes: {folder}")


@app.command()
def coco(
    folder: Annotated[Path, typer.Option(help="Where the data goes.")] = Path("data/coco"),
) -> None:
    """Fetch COCO 2017 (25 GB); the same command again goes on where it broke off."""
    from umop.data.coco2017 import fetch_coco

    fetch_coco(folder)
    typer.echo(f"COCO 2017: {folder}")


@app.command()
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
