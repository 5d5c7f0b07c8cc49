"""How far each config's exported network is from mmdet, as rows of a table.

    python benchmarks/export_parity.py data/crowns/photo.png r50 swin_s

Weights are random where no run is trained; the score layer is spread so that there is much to
find. Images are scaled to fit 416 × 320. Boxes are compared after non-maximum suppression, in
pixels of the photograph, by the rules of ``umop.export.verify``, for the whole photograph and its
quarters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import cv2
import torch
from mmdet.apis import init_detector
from mmengine.config import Config

from serving.bundle import Bundle
from umop.config.load import load_config
from umop.export.manifest import manifest_of
from umop.export.onnx import write_onnx
from umop.export.program import trace, write_pt2
from umop.export.verify import verify
from umop.runs.folder import RunFolder
from umop.system.errors import UserError

SCALE = (416, 320)
BIAS = -1.0


def main() -> None:
    photo, *names = sys.argv[1:]
    print("| config | parameters | engine | export | compared | box | score |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        with TemporaryDirectory() as folder:
            measure(name, Path(photo), RunFolder(Path(folder) / name))


def measure(name: str, photo: Path, run: RunFolder) -> None:
    """Exports one config with random weights and prints a row for each engine."""
    config = load_config(name)
    for step in config.test_dataloader.dataset.pipeline:
        if step["type"] == "Resize":
            step.pop("scale_factor", None)
            step.scale = SCALE
    run.folder.mkdir()
    checkpoint = run.folder / "random.pth"
    detector = with_random_weights(config, checkpoint)
    images = quarters(photo, run.folder)
    run.bundle.mkdir()
    started = monotonic()
    program = trace(detector)
    write_pt2(program, run.bundle / "model.pt2")
    traced = monotonic()
    write_onnx(program, run.bundle / "model.onnx")
    seconds = {"torch": traced - started, "onnxruntime": monotonic() - traced}
    Bundle.write(run.bundle, manifest_of(run, config, checkpoint, "1.0"))
    millions = sum(weight.numel() for weight in detector.parameters()) / 1e6
    for engine, spent in seconds.items():
        start = f"| {name} | {millions:.0f} M | {engine} | {spent:.0f} s "
        try:
            found = verify(detector, run.bundle, images, engine)
        except UserError as error:
            print(f"{start}| {error} | | |", flush=True)
            continue
        compared = f"{found.detections} boxes in {found.images}"
        print(f"{start}| {compared} | {found.box:.1g} px | {found.score:.1g} |", flush=True)


def with_random_weights(config: Config, checkpoint: Path) -> Any:
    """A detector of a config, with scores spread widely; its weights are written, too."""
    torch.manual_seed(0)
    detector = init_detector(config, None, device="cpu", palette="random")
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if "conv_offset" in name or "position_bias" in name:
                weight.normal_(std=0.1)
        detector.bbox_head.atss_cls.weight.normal_(std=0.1)
        detector.bbox_head.atss_cls.bias.fill_(BIAS)
    torch.save(detector.state_dict(), checkpoint)
    return detector


def quarters(photo: Path, folder: Path) -> list[Path]:
    """The photograph and its quarters, as files."""
    pixels = cv2.imread(str(photo))
    assert pixels is not None, f"{photo} cannot be read"
    height, width = (side // 2 for side in pixels.shape[:2])
    paths = [photo]
    for place, (top, left) in enumerate([(0, 0), (0, width), (height, 0), (height, width)]):
        paths.append(folder / f"{place}.png")
        cv2.imwrite(str(paths[-1]), pixels[top : top + height, left : left + width])
    return paths


if __name__ == "__main__":
    main()
