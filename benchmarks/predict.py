"""``umop predict`` against the bare network: seconds to the first boxes, and images a second.

python benchmarks/predict.py runs/demo/demo.bundle data/crowns/photo.png
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from serving.inference.detector import Detector

COMMAND = [sys.executable, "-m", "umop.cli", "predict"]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--images", type=int, default=100, help="Copies of the image.")
    arguments = parser.parse_args()
    print(f"first boxes       {first_boxes(arguments.bundle, arguments.image):6.2f} s")
    print(f"the network alone {bare(arguments.bundle, arguments.image):6.1f} images/s")
    for options in ((), ("--draw",)):
        rate = command(arguments.bundle, arguments.image, arguments.images, options)
        print(f"umop predict {' '.join(options):6} {rate:5.1f} images/s")


def first_boxes(bundle: Path, image: Path) -> float:
    """Seconds from the start of the command to its end, for one image: the best of three."""
    return min(seconds([*COMMAND, str(bundle), str(image)]) for _ in range(3))


def bare(bundle: Path, image: Path, runs: int = 30) -> float:
    """Images a second of the network with the image prepared: nothing is read, drawn or written."""
    detector = Detector.load(bundle)
    prepared = detector.inputs.prepare(image.read_bytes())
    detector.detect_prepared([prepared])
    start = perf_counter()
    for _ in range(runs):
        detector.detect_prepared([prepared])
    return runs / (perf_counter() - start)


def command(bundle: Path, image: Path, images: int, options: tuple[str, ...]) -> float:
    """Images a second of the command over a folder of copies, its start left out."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name, "images"), Path(name, "out")
        folder.mkdir()
        for number in range(images):
            (folder / f"{number:04d}{image.suffix}").write_bytes(image.read_bytes())
        words = [*COMMAND, str(bundle), str(folder), *options, "--out", str(out)]
        whole = seconds(words)
        found = json.loads((out / "predictions.json").read_text())
        assert len(found["results"]) == images
        return images / (whole - first_boxes(bundle, image))


def seconds(words: list[str]) -> float:
    """How long a command takes."""
    start = perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return perf_counter() - start


if __name__ == "__main__":
    main()
