"""Starts training from a detector's weights: ``--weights``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from serving.shared import sha256_of
from umop.runs.checkpoints import require_whole
from umop.runs.folder import ROOT, RunFolder
from umop.system.console import note
from umop.system.errors import FetchError, UserError
from umop.weights.coco import (
    LICENCE,
    NONE_FITS,
    fetch_coco_weights,
    is_published_for,
    published_for,
)
from umop.weights.pretrained import fetch_weights, named_by, without_pretrained_backbone
from umop.weights.published import expected_by, to_mmdet3
from umop.weights.reading import Checkpoint, read_checkpoint

_COCO_WEIGHTS = "coco"
"""What ``--weights`` calls the published checkpoint that fits the config."""
IMAGENET_WEIGHTS = "imagenet"
"""What ``--weights`` calls the weights that the config names for its backbone."""
_ORIGIN = f"They are OpenMMLab's, trained on COCO and published under {LICENCE}"
_OTHERWISE = f"; --weights {IMAGENET_WEIGHTS} starts from the backbone's ImageNet weights"
_CLASS_LAYERS = (
    "atss_cls",
    "conv_cls",
    "fsaf_cls",
    "gfl_cls",
    "retina_cls",
    "rtm_cls",
    "tood_cls",
    "vfnet_cls",
)
"""The last layer of the classification in mmdet's one-stage heads."""
_INITIAL = "initial-"
"""The start of the name of a run's file of weights that it started from."""
_MAY_BE_NEW = ("conv_offset.weight", "conv_offset.bias", "num_batches_tracked")
"""The ends of the names of a backbone's tensors that a checkpoint may lack."""


@dataclass(frozen=True)
class InitialWeights:
    """The weights that a model starts from, and what became of all others.

    Attributes:
        source: The checkpoint.
        taken: The tensors that fit.
        fresh: Names of the model's tensors that start as the config says.
        skipped: Names of the checkpoint's tensors that have no place in the model.
        warnings: What may make the weights worth less than they look, a line each.
        origin: Who published the checkpoint, and its licence; empty for one of the user's own.
    """

    source: Path
    taken: dict[str, Tensor]
    fresh: tuple[str, ...]
    skipped: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    origin: str = ""

    def report(self) -> list[str]:
        """What was taken and what was not, in a few lines."""
        total = len(self.taken) + len(self.fresh)
        lines = [f"Weights: {len(self.taken)} of the model's {total} tensors from {self.source}"]
        if self.origin:
            lines.append(self.origin)
        if self.fresh:
            lines.append(f"Newly initialised: {_modules(self.fresh)}")
        if self.skipped:
            lines.append(f"Not taken from the file: {_modules(self.skipped)}")
        return [*lines, *self.warnings]


def fetch_starting_weights(config: Config, coco: bool = False) -> Iterator[Path]:
    """Downloads what training with a config starts from, unless the cache has it.

    The published checkpoint comes first. A download that fails keeps no other from being tried.

    Args:
        config: Names its backbone's weights, if any.
        coco: Whether to fetch the published checkpoint too where training would not take it.

    Yields:
        Each file, as soon as it is there.

    Raises:
        UserError: A name is unknown, no checkpoint fits, or a file is another one.
        FetchError: A download failed.
    """
    if coco and not is_published_for(config):
        raise UserError(f"--coco: {NONE_FITS} Without --coco, its backbone's weights are fetched.")
    fetches: list[Callable[[], Path]] = []
    if coco or config.get("auto_weights", None) == _COCO_WEIGHTS:
        fetches.append(partial(fetch_coco_weights, config))
    if name := named_by(config):
        fetches.append(partial(fetch_weights, name))
    failures = []
    for fetch in fetches:
        try:
            yield fetch()
        except FetchError as error:
            failures.append(str(error))
    if failures:
        raise FetchError(" ".join(failures))


def use_weights(config: Config, weights: str, run: RunFolder) -> InitialWeights:
    """Makes a config start from a checkpoint.

    Args:
        config: The model with its classes; changed in place. Its backbone is not pretrained any
            more where the checkpoint has all of it.
        weights: Name or folder of a run, a checkpoint file, or :data:`_COCO_WEIGHTS`.
        run: The run that will start; :func:`write_initial_weights` writes them there.

    Raises:
        UserError: There is no such checkpoint, it cannot be read, or nothing of it fits.
        FetchError: The published checkpoint could not be downloaded.
    """
    if weights == _COCO_WEIGHTS:
        origin = _ORIGIN + (_OTHERWISE if named_by(config) else "") + "."
        start = replace(_choose(config, fetch_coco_weights(config)), origin=origin)
    else:
        start = _choose(config, _find_checkpoint(weights))
    config.load_from = str(_initial(run, start.source))
    if not any(name.startswith("backbone.") for name in start.fresh):
        without_pretrained_backbone(config)
    return start


def keep_weights(config: Config, before: Config, weights: str) -> bool:
    """Makes a config name the weights that its run, which has checkpoints, started from.

    The published file is not needed to resume, nor is one that is gone or damaged, of which a note
    is made.

    Args:
        config: Changed in place.
        before: What the run was started with.
        weights: As for :func:`use_weights`.

    Returns:
        Whether the run started from the published file that fits the config, or from weights of the
        user's and there are none of that name now.
    """
    began = f"{_INITIAL}{published_for(config).sha256}" if weights == _COCO_WEIGHTS else _INITIAL
    source = before.get("load_from", None)
    if not source or not Path(source).name.startswith(began):
        return False
    if weights != _COCO_WEIGHTS:
        try:
            _find_checkpoint(weights)
        except UserError as error:
            note(f"note: {error} The run has checkpoints, and goes on from what it began with.")
        else:
            return False
    config.load_from = source
    if not named_by(before):
        without_pretrained_backbone(config)
    return True


def write_initial_weights(start: InitialWeights, run: RunFolder) -> None:
    """Writes the chosen weights into the run's folder, where every process reads them."""
    torch.save({"state_dict": start.taken, "meta": {}}, _initial(run, start.source))


def _initial(run: RunFolder, source: Path) -> Path:
    """Where a run keeps the weights it started from; another source has another name."""
    return run.folder / f"{_INITIAL}{sha256_of(source)[:12]}.pth"


def _find_checkpoint(weights: str) -> Path:
    """The checkpoint that a run's name, its folder, or a file's path means.

    Raises:
        UserError: There is none.
    """
    path = Path(weights)
    if path.is_file():
        return path
    if "://" in weights:
        raise UserError(f"--weights {weights}: download the file, and name it by its path.")
    if path.is_dir() or (ROOT / weights).is_dir():
        return require_whole(RunFolder.named(weights).best_checkpoint())
    raise UserError(f"--weights {weights}: there is no such run or file.")


def _choose(config: Config, source: Path) -> InitialWeights:
    """Chooses from a checkpoint what fits a config's model.

    Raises:
        UserError: Nothing does.
    """
    checkpoint = read_checkpoint(source)
    tensors, names = checkpoint.tensors, checkpoint.classes
    swin = any(name.startswith("backbone.layers.") for name in tensors)
    tensors = to_mmdet3(tensors, swin and config.model.backbone.type == "SwinTransformer")
    expected = expected_by(config)
    wanted = tuple(config.train_dataloader.dataset.metainfo.classes)
    others = bool(names) and names != wanted
    taken = {
        name: tensors[name]
        for name, tensor in expected.items()
        if name in tensors
        and tensors[name].shape == tensor.shape
        and not (others and _is_class_layer(name))
    }
    fresh = tuple(name for name in expected if name not in taken)
    _require_backbone(source, taken, fresh)
    skipped = tuple(name for name in tensors if name not in taken)
    return InitialWeights(
        source, taken, fresh, skipped, _style_warnings(checkpoint, config.model.backbone)
    )


def _require_backbone(source: Path, taken: Iterable[str], fresh: Iterable[str]) -> None:
    """Checks that a checkpoint has the whole backbone; offsets of deformable layers may be new.

    Raises:
        UserError: It has not, as one of another depth.
    """
    lacking = [
        name for name in fresh if name.startswith("backbone.") and not name.endswith(_MAY_BE_NEW)
    ]
    if lacking:
        count = sum(name.startswith("backbone.") for name in taken)
        raise UserError(
            f"{source} does not fit this config's model: it has {count} of the backbone's "
            f"{count + len(lacking)} tensors, and lacks {lacking[0]}. Was it trained with another "
            "backbone?"
        )


def _style_warnings(checkpoint: Checkpoint, backbone: Mapping[str, Any]) -> tuple[str, ...]:
    """Says so where a checkpoint's ResNet was made for other images than the config's."""
    style = backbone.get("style", checkpoint.style)
    if not checkpoint.style or checkpoint.style == style:
        return ()
    return (
        f"warning: the file's ResNet is of the style {checkpoint.style}, the config's of the style "
        f"{style}: their strides and the scale of their pixels differ, so that training starts "
        "worse than from a file of the config's style.",
    )


def _is_class_layer(name: str) -> bool:
    """Whether a tensor belongs to the layer that has a channel for each class."""
    return any(f".{layer}." in name for layer in _CLASS_LAYERS)


def _modules(names: Iterable[str]) -> str:
    """The modules that tensors belong to, with how many each has."""
    counts: dict[str, int] = {}
    for name in names:
        module = ".".join(name.split(".")[:2])
        counts[module] = counts.get(module, 0) + 1
    return ", ".join(f"{module} ({count})" for module, count in counts.items())
