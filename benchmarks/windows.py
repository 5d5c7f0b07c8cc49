"""Draws the windows of an image, and what is found in it by them: the figure of docs/predict.md.

python benchmarks/windows.py runs/demo/demo.bundle data/crowns/photo.png docs/images/tiles.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from serving.bundle.schema import Size
from serving.inference.detector import Detector
from serving.inference.tiles import choose
from serving.inference.windows import Window, windows

COLOURS = ("#ffd400", "#ff5fa2", "#35d0ff")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tiles", type=int, default=640, help="pixels of a window's side")
    parser.add_argument("--width", type=int, default=760, help="pixels of the figure's width")
    arguments = parser.parse_args()
    detector = Detector.load(arguments.bundle)
    found = detector.predict(arguments.image, tiles=arguments.tiles)
    whole = detector.predict(arguments.image, tiles="off")
    drawn = found.plot()
    size = Size(width=drawn.width, height=drawn.height)
    spec = choose(detector.manifest.tiles, arguments.tiles, size)
    assert spec, "the image fits into one window"
    seen = windows(size, spec)
    print(f"{len(seen)} windows: {len(found)} boxes; in the whole image: {len(whole)}")
    outline(drawn, seen)
    height = round(drawn.height * arguments.width / drawn.width)
    drawn.resize((arguments.width, height)).save(arguments.out, quality=65)


def outline(image: Image.Image, seen: list[Window]) -> None:
    """Draws windows, each a little smaller than it is, so that borders do not hide each other."""
    pen = ImageDraw.Draw(image)
    for number, (left, top, right, bottom) in enumerate(seen):
        inset = 4 + 6 * (number % len(COLOURS))
        corners = (left + inset, top + inset, right - inset, bottom - inset)
        pen.rectangle(corners, outline=COLOURS[number % len(COLOURS)], width=5)


if __name__ == "__main__":
    main()
