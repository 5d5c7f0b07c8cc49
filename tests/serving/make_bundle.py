"""A real bundle with a small network that finds pure red, green and blue squares.

The network scores every 32 × 32 window at a stride of 8 by how far one colour outweighs the
others, so a square of the input's pixels is found exactly, with a score that falls with its
saturation and with every pixel of misalignment.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from serving.bundle import Bundle
from serving.bundle.schema import InputSpec, Manifest, PostprocessSpec, Size, TileSpec
from tests.serving.images import COLOURS, encode, paint

WINDOW = 32
STRIDE = 8
CLASSES = tuple(COLOURS)


def make_bundle(
    folder: Path,
    *,
    name: str = "squares",
    version: str = "1",
    classes: tuple[str, ...] = CLASSES,
    sizes: tuple[Size, ...] | None = None,
    layers: int = 0,
    tiles: TileSpec | None = None,
) -> Path:
    """Writes the bundle into ``folder``, which is made, and returns it.

    Args:
        folder: Where to.
        name: The model's name.
        version: The model's version.
        classes: Names of what looks red, green and blue, and of more that is never seen.
        sizes: The only input sizes.
        layers: Convolutions that change nothing and take about 30 ms each on one core.
        tiles: The windows that large images are cut into; each is taken at its own size.
    """
    folder.mkdir(parents=True)
    onnx.save(_network(layers), folder / "model.onnx")
    (folder / "samples").mkdir()
    sample = paint(640, 512, ("green", 96, 96, 64), ("red", 352, 256, 64))
    (folder / "samples" / "squares.png").write_bytes(encode(sample))
    manifest = Manifest(
        name=name,
        version=version,
        created=datetime(2026, 1, 2, tzinfo=timezone.utc),
        classes=classes,
        input=InputSpec(
            mean=(0, 0, 0),
            std=(255, 255, 255),
            resize=Size(width=320, height=320 if tiles else 256),
            sizes=sizes,
        ),
        postprocess=PostprocessSpec(score_threshold=0.5),
        tiles=tiles,
        metrics={"AP": 0.5},
    )
    Bundle.write(folder, manifest)
    return folder


def _network(layers: int) -> onnx.ModelProto:
    dominance = np.full((3, 3, 1, 1), -0.5, np.float32)
    dominance[range(3), range(3)] = 1
    constants = {
        "dominance": dominance,
        "one": np.array(1, np.float32),
        "zero": np.array(0, np.float32),
        "least": np.array(0.05, np.float32),
        "stride": np.array(STRIDE, np.float32),
        "window": np.array(WINDOW, np.float32),
        "axis_y": np.array(2, np.int64),
        "axis_x": np.array(3, np.int64),
        "flat": np.array([0, -1], np.int64),
        "flat_boxes": np.array([0, -1, 4], np.int64),
        "classes_axis": np.array([1], np.int64),
        "widen": np.zeros((48, 3, 3, 3), np.float32),
        "idle": np.zeros((48, 48, 3, 3), np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "widen"], ["idle0"], pads=[1] * 4),
        *(
            node("Conv", [f"idle{layer}", "idle"], [f"idle{layer + 1}"], pads=[1] * 4)
            for layer in range(layers)
        ),
        node("ReduceMax", [f"idle{layers}"], ["nothing"], keepdims=1),
        node("Conv", ["image", "dominance"], ["plain_dominant"]),
        node("Add", ["plain_dominant", "nothing"], ["dominant"]),
        node("AveragePool", ["dominant"], ["map"], kernel_shape=[WINDOW] * 2, strides=[STRIDE] * 2),
        node("ReduceMax", ["map", "classes_axis"], ["best"], keepdims=1),
        node("ArgMax", ["map"], ["best_class"], axis=1, keepdims=1),
        node("Reshape", ["best_class", "flat"], ["labels"]),
        node("Reshape", ["best", "flat"], ["raw_scores"]),
        node("Greater", ["raw_scores", "least"], ["strong"]),
        node("Where", ["strong", "raw_scores", "zero"], ["scores"]),
        node("Mul", ["best", "zero"], ["zeros"]),
        node("Add", ["zeros", "one"], ["ones"]),
        *_corner("x", nodes_axis="axis_x"),
        *_corner("y", nodes_axis="axis_y"),
        node("Concat", ["x1", "y1", "x2", "y2"], ["box_map"], axis=1),
        node("Transpose", ["box_map"], ["box_rows"], perm=[0, 2, 3, 1]),
        node("Reshape", ["box_rows", "flat_boxes"], ["boxes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", "k", 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", "k"]),
            helper.make_tensor_value_info("labels", TensorProto.INT64, ["n", "k"]),
        ],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def _corner(axis: str, nodes_axis: str) -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("CumSum", ["ones", nodes_axis], [f"{axis}_place"], exclusive=1),
        node("Mul", [f"{axis}_place", "stride"], [f"{axis}1"]),
        node("Add", [f"{axis}1", "window"], [f"{axis}2"]),
    ]
