"""Finds what is wrong in a config before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.config.files import did_you_mean
from umop.config.keys import FUNCTIONS, find_types, known_keys, type_names
from umop.config.ranges import check_automatic, check_numbers, check_schedulers, check_sizes
from umop.system.errors import UserError

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_NEEDED = (
    *_LOADERS,
    "model.bbox_head",
    "val_evaluator",
    "test_evaluator",
    "train_cfg",
    "val_cfg",
    "test_cfg",
    "optim_wrapper.optimizer.lr",
    "default_hooks.checkpoint",
    "visualizer",
    "log_processor",
)
"""What a config must have to be trained."""
_PIPELINES = {"last_pipeline", "pipeline"}
"""The names that pipelines have in all sections."""
_STATEFUL = {"CachedMixUp": "OccasionalMixUp", "CachedMosaic": "Mosaic"}
"""Steps of a data pipeline that keep images, and what does the same without."""


def check_config(config: Config) -> None:
    """Checks a config's keys, types and numbers.

    Sections without a type, such as ``model.test_cfg``, are checked where their keys are known.

    Raises:
        UserError: Something is wrong; the message is one line and names the setting.
    """
    content = config.to_dict()
    for path, section in _sections(content):
        _check_names(path, section)
        _check_lists(path, section)
        _check_type(path, section)
        _check_state(path, section)
        known = known_keys(section, path)
        for key in sorted(set(section) - (set(section) if known is None else known)):
            name = ".".join([*path, key])
            kind = f" of {section['type']}" if section.get("type") else ""
            raise UserError(
                f"The config has an unknown key{kind}: '{name}'."
                f"{did_you_mean(key, sorted(known or ()))}"
            )
        check_numbers(path, section)
        check_sizes(path, section)
    check_automatic(content)
    check_schedulers(content)
    _check_workers(content)
    _check_levels(content.get("model") or {})


def require_trainable(config: Config) -> None:
    """Checks that a config has all that training needs, as one that inherits too little does not.

    Raises:
        UserError: Something is missing.
    """
    for name in _NEEDED:
        value: Any = config
        for key in name.split("."):
            value = value.get(key) if isinstance(value, dict | Config) else None
        if value is None:
            raise UserError(
                f"The config has no {name}, and cannot be trained. Set it, or inherit it, as in "
                "_base_ = 'small'."
            )
    if not {"max_epochs", "max_iters"} & set(config.train_cfg):
        raise UserError("The config's train_cfg has no length: set max_epochs or max_iters.")
    for name in _LOADERS:
        steps = (config[name].get("dataset") or {}).get("pipeline") or [{}]
        if steps[-1].get("type") != "PackDetInputs":
            raise UserError(f"The config's {name}.dataset.pipeline must end with PackDetInputs.")


def require_start(config: Config) -> None:
    """Checks that the checkpoint is there that a config's training starts from.

    Raises:
        UserError: It is not.
    """
    start = config.get("load_from")
    if start and "://" not in start and not Path(start).expanduser().is_file():
        raise UserError(f"The config's load_from is '{start}', and there is no such file.")


def _sections(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """All sections of a config, each with the keys that lead to it."""
    if isinstance(value, dict):
        yield list(path), value
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list | tuple):
            yield from _sections(part, (*path, str(key)))


def _check_names(path: list[str], section: dict[Any, Any]) -> None:
    """Checks that the keys of a section are text.

    Raises:
        UserError: One is not.
    """
    for key in section:
        if not isinstance(key, str):
            place = ".".join(path) or "top level"
            raise UserError(f"The config's {place} has the key {key!r}; keys must be text.")


def _check_lists(path: list[str], section: dict[str, Any]) -> None:
    """Checks what must be a list of sections.

    Raises:
        UserError: It is something else.
    """
    for key in sorted(_PIPELINES if path else {"param_scheduler"}):
        value = section.get(key)
        if value is None or _is_list_of_sections(value):
            continue
        raise UserError(
            f"The config's {'.'.join([*path, key])} is {value!r}; it must be a list of "
            "sections, such as [dict(type=...)]."
        )


def _is_list_of_sections(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, dict) for one in value)


def _check_type(path: list[str], section: dict[str, Any]) -> None:
    """Checks that a section's type exists.

    Raises:
        UserError: It does not.
    """
    name = section.get("type")
    if name is None or isinstance(name, type) or name in FUNCTIONS:
        return
    if not isinstance(name, str) or not find_types(name):
        raise UserError(
            f"The config has an unknown type: {'.'.join([*path, 'type'])} is {name!r}."
            f"{did_you_mean(str(name), sorted(set(type_names())))}"
        )


def _check_state(path: list[str], section: dict[str, Any]) -> None:
    """Checks that a step of a data pipeline does not depend on the samples before.

    Raises:
        UserError: It does, so that a run that is resumed would get other samples.
    """
    if instead := _STATEFUL.get(str(section.get("type"))):
        raise UserError(
            f"The config's {'.'.join([*path, 'type'])} is {section['type']}, which mixes with "
            "images of earlier samples: a run could not be resumed exactly. Take a data set of "
            f"type MixedCocoDataset, and {instead}."
        )


def _check_workers(content: dict[str, Any]) -> None:
    """Checks that loaders without processes of their own do not keep them.

    Raises:
        UserError: One does, which torch refuses.
    """
    for name in _LOADERS:
        loader = content.get(name) or {}
        if loader.get("persistent_workers") and loader.get("num_workers", 0) == 0:
            raise UserError(
                f"The config's {name} has no workers to keep: with num_workers=0, set "
                f"{name}.persistent_workers=False."
            )


def _check_levels(model: dict[str, Any]) -> None:
    """Checks that the head has a stride for each pyramid level.

    Raises:
        UserError: It has not.
    """
    levels = (model.get("neck") or {}).get("num_outs")
    strides = ((model.get("bbox_head") or {}).get("anchor_generator") or {}).get("strides")
    if levels and strides and len(strides) != levels:
        raise UserError(
            f"The config's model.neck.num_outs is {levels}, and model.bbox_head.anchor_generator."
            f"strides has {len(strides)}: each pyramid level must have one."
        )
