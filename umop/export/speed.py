"""Measures how fast a bundle is, and counts what its network computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import ExportedProgram
from torch.utils.flop_counter import FlopCounterMode

from serving.shared import Detector, Size, TiledImage, usable_cores
from umop.data.images import read_rgb
from umop.runs.speed import Speed
from umop.system.console import counted
from umop.system.hardware import cpu_name

_SECONDS = 10.0
"""Timing ends after so many, with three images at least."""
_FEWEST, _MOST = 3, 50


def measure_speed(bundle: Path, program: ExportedProgram, images: Sequence[Path]) -> Speed:
    """Times a bundle in ONNX Runtime, with all cores that this process may use.

    Args:
        bundle: The bundle.
        program: Its network.
        images: Real images, taken in turn.
    """
    detector = Detector.load(bundle)
    pixels = [read_rgb(path) for path in images]
    canvases = Counter(_canvas(detector, each) for each in pixels)
    [(canvas, _)] = canvases.most_common(1)
    times = _times(detector, pixels)
    return Speed(
        milliseconds=round(1000 * median(times), 2),
        images=len(times),
        machine=f"{cpu_name()}, {counted(usable_cores(), 'processor')}, ONNX Runtime",
        width=canvas.width,
        height=canvas.height,
        gflops=round(operations(program, canvas) / 1e9, 3),
        parameters=sum(each.numel() for each in program.parameters()),
    )


def _canvas(detector: Detector, pixels: Any) -> Size:
    """The size of the network's input that holds an image, or a window of it."""
    image = detector.inputs.prepare(pixels)
    return (image.part(image.windows[0]) if isinstance(image, TiledImage) else image).canvas


def _times(detector: Detector, pixels: Sequence[Any]) -> list[float]:
    """Seconds for each of some images, after one that warms up."""
    detector.detect([pixels[0]])
    times: list[float] = []
    while len(times) < _FEWEST or (len(times) < _MOST and sum(times) < _SECONDS):
        started = perf_counter()
        detector.detect([pixels[len(times) % len(pixels)]])
        times.append(perf_counter() - started)
    return times


def operations(program: ExportedProgram, size: Size) -> int:
    """Floating-point operations for one image; a multiply-add is two.

    Convolutions, deformable ones too, matrix products and attention are counted. Nothing is
    computed for it: the tensors have only shapes.
    """
    counter = FlopCounterMode(
        display=False, custom_mapping={torch.ops.torchvision.deform_conv2d: _deformable}
    )
    with torch.inference_mode(), FakeTensorMode(allow_non_fake_inputs=True), counter:
        program.module()(torch.zeros(1, 3, size.height, size.width))
    return int(counter.get_total_flops())


def _deformable(
    image: Sequence[int], weight: Sequence[int], *_: Any, out_shape: tuple[int, ...], **__: Any
) -> int:
    """Operations of ``torchvision.ops.deform_conv2d``, from its tensors' shapes.

    Its products are those of a convolution; the sampling of its points is not counted.
    """
    return 2 * prod(out_shape) * prod(weight[1:])
