"""The keys that each section of a config knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import mmdet.registry
from mmdet.utils import register_all_modules
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from umop.config.ranges import AUTO_SCHEDULE, AUTO_SIZE, TILES
from umop.config.settings import CONFIG_SETTINGS


def _parameters(function: Callable[..., Any]) -> set[str]:
    """The names of a function's parameters."""
    return set(inspect.signature(function).parameters)


_LOADER = _parameters(DataLoader) | {"num_batch_per_epoch"}
_UNTYPED = {
    "auto_schedule": AUTO_SCHEDULE,
    "auto_size": AUTO_SIZE,
    "auto_scale_lr": {"enable", "base_batch_size"},
    "env_cfg": {"cudnn_benchmark", "dist_cfg", "mp_cfg", "resource_limit"},
    "mp_cfg": {"mp_start_method", "opencv_num_threads"},
    "randomness": _parameters(Runner.set_randomness) - {"self"},
    "test_dataloader": _LOADER,
    "tiles": TILES,
    "train_dataloader": _LOADER,
    "val_dataloader": _LOADER,
}
"""The keys of sections without a type, by the section's name."""

_ADDED = {
    "dcn": {"fallback_on_stride"},
    "norm_cfg": {"requires_grad"},
    "optim_wrapper": {"constructor", "paramwise_cfg"},
    "param_scheduler": {"convert_to_iter_based"},
}
"""Keys that mmdet's builders take out of a section before its type sees it."""

BUILDERS_KEYS = {"_scope_", "priority"}
"""Keys that are taken everywhere, and that hardly anybody sets."""
_ADDED_ANYWHERE = {"type", *BUILDERS_KEYS}
FUNCTIONS = ("nms", "soft_nms", "nms_match", "nms_quadri", "nms_rotated")
"""Types that are functions of mmcv and in no registry."""


def known_keys(section: Any, path: Sequence[str]) -> set[str] | None:
    """The keys that a section may have; None where any may be there.

    Args:
        section: The section.
        path: The keys that lead to it; empty for the config itself.
    """
    if not path:
        return set(CONFIG_SETTINGS)
    name = next((key for key in reversed(path) if not key.isdigit()), "")
    if path[-1] == "default_hooks":
        return {key for key, hook in section.items() if hook is None or "type" in hook}
    if not section.get("type"):
        return _UNTYPED.get(path[-1])
    types = find_types(section["type"])
    accepted = [_accepted_by(one) for one in types]
    if not types or None in accepted:
        return None
    return set().union(*filter(None, accepted), _ADDED.get(name, set()), _ADDED_ANYWHERE)


@cache
def _registries() -> tuple[Registry, ...]:
    """mmdet's registries, filled, and through them mmengine's and mmcv's."""
    register_all_modules(init_default_scope=False)
    members = vars(mmdet.registry).values()
    return tuple(one for one in members if isinstance(one, Registry) and one.scope == "mmdet")


@cache
def find_types(name: Any) -> tuple[Any, ...]:
    """What the registries have under the name of a type; a class is taken as it is."""
    if not isinstance(name, str):
        return (name,)
    found = (registry.get(name) for registry in _registries())
    return tuple(one for one in found if one is not None)


def type_names() -> Iterator[str]:
    """The names of all types."""
    for registry in _registries():
        one: Registry | None = registry
        while one is not None:
            yield from one.module_dict
            one = one.parent


def _accepted_by(built: Any) -> set[str] | None:
    """The names of the arguments with which something is built; None where it takes any.

    A class that takes ``**kwargs`` hands them on to those it inherits from.
    """
    if not _takes_any(built):
        return _parameters(built)
    if not inspect.isclass(built):
        return None
    makers = [
        vars(one)["__init__"] for one in inspect.getmro(built)[:-1] if "__init__" in vars(one)
    ]
    if all(map(_takes_any, makers)):
        return None
    return set().union(*map(_parameters, makers))


def _takes_any(function: Callable[..., Any]) -> bool:
    """Whether a function has ``**kwargs``."""
    kinds = (one.kind for one in inspect.signature(function).parameters.values())
    return inspect.Parameter.VAR_KEYWORD in kinds
