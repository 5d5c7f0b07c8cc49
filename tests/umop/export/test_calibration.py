"""Which convolutions keep their precision in 8 bits."""

from __future__ import annotations

from onnx import GraphProto, TensorProto, helper

from umop.export.calibration import outermost


def graph(*convolutions: tuple[str, str, str]) -> GraphProto:
    """Convolutions by name, input and output, each with a ReLU behind it."""
    nodes = []
    for name, source, target in convolutions:
        nodes.append(helper.make_node("Conv", [source, "weight"], [f"{target}_raw"], name=name))
        nodes.append(helper.make_node("Relu", [f"{target}_raw"], [target]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])
    return helper.make_graph(nodes, "network", [image], [])


def test_the_first_and_those_that_no_other_follows() -> None:
    network = graph(
        ("stem", "image", "a"),
        ("neck", "a", "b"),
        ("tower", "b", "c"),
        ("scores", "c", "d"),
        ("boxes", "c", "e"),
    )
    assert sorted(outermost(network)) == ["boxes", "scores", "stem"]
