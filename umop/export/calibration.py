"""Integer arithmetic: ONNX Runtime's static quantization, calibrated on real images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from serving.shared import InputSpec, Size, TileSpec, preprocess, stack, windows
from umop.data.images import read_rgb
from umop.system.console import quiet_logger


class _Images(CalibrationDataReader):
    """The model's input for each image.

    Args:
        paths: The images.
        spec: How an image becomes the model's input.
        tiles: How it is cut; the window in its middle is taken.
    """

    def __init__(self, paths: Sequence[Path], spec: InputSpec, tiles: TileSpec | None) -> None:
        self.inputs: Iterator[NDArray[np.float32]] = (
            stack([preprocess(_middle(read_rgb(path), tiles), spec)], spec) for path in paths
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next input; None after the last."""
        image = next(self.inputs, None)
        return None if image is None else {"image": image}


def _middle(pixels: NDArray[np.uint8], tiles: TileSpec | None) -> NDArray[np.uint8]:
    if tiles is None:
        return pixels
    places = windows(Size(width=pixels.shape[1], height=pixels.shape[0]), tiles)
    left, top, right, bottom = places[len(places) // 2]
    return pixels[top:bottom, left:right]


def quantize(
    model: Path, images: Sequence[Path], spec: InputSpec, tiles: TileSpec | None = None
) -> None:
    """Turns a network's convolutions and matrix products to 8 bits, in place.

    An activation between two convolutions becomes the range of what is rounded, so that the values
    stay 8 bits wide.

    Args:
        model: The network as ONNX, single precision.
        images: Real images, from which the ranges of activations are taken.
        spec: How an image becomes the model's input.
        tiles: How images are cut; None for whole ones.
    """
    with quiet_logger(""), TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(model, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            model,
            _Images(images, spec, tiles),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul", "Relu", "Clip"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=outermost(onnx.load(prepared).graph),
        )


def outermost(graph: onnx.GraphProto) -> list[str]:
    """The first convolution and the last ones, which lose the most in 8 bits.

    Returns:
        Their names. The last ones are those that no other convolution follows.
    """
    followed: set[str] = set()
    found = [next(node.name for node in graph.node if node.op_type == "Conv")]
    for node in reversed(graph.node):
        is_followed = not followed.isdisjoint(node.output)
        if node.op_type == "Conv" and not is_followed:
            found.append(node.name)
        if node.op_type == "Conv" or is_followed:
            followed.update(node.input)
    return found
