"""Activations of a network with 8 bits."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from serving.bundle.schema import InputSpec, Size
from umop.export.calibration import quantize

SIDE = 32


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_values_stay_8_bits_wide_between_convolutions(tmp_path: Path, activation: str) -> None:
    model, image = tmp_path / "model.onnx", tmp_path / "image.png"
    onnx.save(four_convolutions(activation), model)
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    cv2.imwrite(str(image), noise)
    quantize(model, [image], spec())

    nodes = onnx.load(model).graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    assert [made_by.get(node.input[0]) for node in convolutions[1:3]] == ["DequantizeLinear"] * 2
    assert sum(node.op_type == activation for node in nodes) <= 1


def four_convolutions(activation: str) -> onnx.ModelProto:
    """A network of four convolutions with an activation after each but the last."""
    shape = ["batch", 3, SIDE, SIDE]
    random = np.random.default_rng(0)
    weights = [random.normal(size=(3, 3, 3, 3)).astype(np.float32) for _ in range(4)]
    limits = {"low": np.float32(0), "high": np.float32(6)} if activation == "Clip" else {}
    nodes, last = [], "image"
    for index in range(4):
        nodes.append(
            helper.make_node(
                "Conv", [last, f"w{index}"], [f"c{index}"], f"conv{index}", pads=[1, 1, 1, 1]
            )
        )
        nodes.append(
            helper.make_node(activation, [f"c{index}", *limits], [f"a{index}"], f"act{index}")
        )
        last = f"a{index}"
    constants = {f"w{index}": weight for index, weight in enumerate(weights)} | limits
    graph = helper.make_graph(
        nodes[:-1],
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("c3", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def spec() -> InputSpec:
    """Images as they are."""
    return InputSpec(
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        resize=Size(width=SIDE, height=SIDE),
        max_scale=1.0,
        pad_divisor=32,
        sizes=None,
    )
