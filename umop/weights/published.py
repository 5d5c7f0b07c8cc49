"""Checkpoints that the paper's authors published, made into runs.

Their code is mmdet 2: a ``state_dict`` whose names mmdet 3 mostly kept. Their Swin is Microsoft's
module, which names its parts otherwise and merges patches in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from mmdet.utils import register_all_modules
from mmengine.config import Config
from torch import Tensor

from umop.config.building import build_model
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.system.files import replace_text
from umop.weights.reading import read_checkpoint

_SWIN_NAMES = (
    ("backbone.layers.", "backbone.stages."),
    (".attn.", ".attn.w_msa."),
    (".mlp.fc1.", ".ffn.layers.0.0."),
    (".mlp.fc2.", ".ffn.layers.1."),
    ("backbone.patch_embed.proj.", "backbone.patch_embed.projection."),
)
"""Microsoft's names of a Swin's parts, and mmdet's."""


def import_published(file: Path, config: Config, run: RunFolder) -> Path:
    """Makes a run of a published checkpoint.

    Args:
        file: The checkpoint.
        config: The model it belongs to.
        run: The run that it becomes; it must be new.

    Returns:
        The checkpoint in the run's folder.

    Raises:
        UserError: The file is no such checkpoint, does not fit the model, or the run exists.
    """
    published = read_checkpoint(file).tensors
    tensors = to_mmdet3(published, swin=config.model.backbone.type == "SwinTransformer")
    if run.config.exists():
        raise UserError(f"{run.folder} is there already. Name another run with --run.")
    _require_fit(tensors, expected_by(config), file)
    run.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = run.folder / "imported.pth"
    torch.save({"state_dict": tensors, "meta": {"imported_from": file.name}}, checkpoint)
    config.work_dir = str(run.folder)
    replace_text(run.config, config.pretty_text)
    replace_text(run.pointer, f"{checkpoint.name}\n")
    return checkpoint


def to_mmdet3(tensors: Mapping[str, Tensor], swin: bool) -> dict[str, Tensor]:
    """Gives weights the names and the order that mmdet 3 has.

    Args:
        tensors: Weights by mmdet 2's names.
        swin: Whether the backbone is Microsoft's Swin.
    """
    if not swin:
        return dict(tensors)
    return {_swin_name(name): _swin_order(name, tensor) for name, tensor in tensors.items()}


def _swin_name(name: str) -> str:
    """mmdet's name for a tensor of Microsoft's Swin; other names stay."""
    if name.startswith("backbone."):
        for theirs, ours in _SWIN_NAMES:
            name = name.replace(theirs, ours)
    return name


def _swin_order(name: str, tensor: Tensor) -> Tensor:
    """Reorders the input of a patch merging.

    Microsoft joins the patches (0,0), (1,0), (0,1), (1,1) (row, column), each with all its C
    channels; mmdet joins the channels, each with its patches (0,0), (0,1), (1,0), (1,1).

    Args:
        name: Microsoft's name of the tensor.
        tensor: Its last dimension is 4 · C where it belongs to a patch merging.
    """
    if not (name.startswith("backbone.") and ".downsample." in name):
        return tensor
    patches = torch.unflatten(tensor, -1, (4, -1))[..., [0, 2, 1, 3], :]
    return patches.transpose(-1, -2).flatten(-2).contiguous()


def expected_by(config: Config) -> dict[str, Tensor]:
    """The weights of a config's model, as it is built.

    Raises:
        UserError: It cannot be built.
    """
    register_all_modules()
    tensors: dict[str, Tensor] = build_model(config).state_dict()
    return tensors


def _require_fit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: Path) -> None:
    """Checks that names and shapes are the same, and lists on stderr all that are not.

    Raises:
        UserError: One is not.
    """
    missing = sorted(expected.keys() - found.keys())
    unexpected = sorted(found.keys() - expected.keys())
    misshapen = sorted(
        name for name in found.keys() & expected.keys() if found[name].shape != expected[name].shape
    )
    if not (missing or unexpected or misshapen):
        return
    for name in missing:
        note(f"missing: {name} {tuple(expected[name].shape)}")
    for name in unexpected:
        note(f"unexpected: {name} {tuple(found[name].shape)}")
    for name in misshapen:
        note(f"shape: {name} {tuple(found[name].shape)}, not {tuple(expected[name].shape)}")
    raise UserError(
        f"{file} does not fit this config: {len(missing)} names are missing, {len(unexpected)} "
        f"unexpected and {len(misshapen)} of another shape (listed above)."
    )
