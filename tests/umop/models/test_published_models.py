"""The published models: what their weights are called, and how many parameters they have."""

from __future__ import annotations

import pytest
from mmdet.registry import MODELS

from tests.umop.models.architecture import MODELS as EXPECTED
from umop.config.load import load_config

pytestmark = pytest.mark.slow

PARAMETERS = {
    "r50": 32_295_322,
    "r101": 51_287_450,
    "r101_dcn": 53_216_708,
    "r101_dcn_ms": 53_216_708,
    "x101_dcn_ms": 97_908_164,
    "r2_101_dcn_ms": 54_316_936,
    "swin_s": 57_052_452,
    "swin_b": 95_073_554,
    "swin_l": 203_556_078,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_weights_have_the_names_and_shapes_of_the_architecture(name: str) -> None:
    model = MODELS.build(load_config(name).model)
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert shapes == EXPECTED[name]
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    twin = load_config(f"atss_{name}").model
    assert twin.pop("bbox_head").loss_cls.type == "FocalLoss"
    assert twin == {
        key: value for key, value in load_config(name).model.items() if key != "bbox_head"
    }


def test_r50_trains_the_parameters_that_mmdet_counts_in_its_atss() -> None:
    """mmdet's model zoo gives 32.07 million: all but the frozen stem and first stage."""
    model = MODELS.build(load_config("r50").model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 32_069_978
