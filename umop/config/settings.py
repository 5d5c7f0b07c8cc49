"""The names at the top of a config: settings, which are used, and variables, which are not."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from umop.config.files import did_you_mean
from umop.config.source import ConfigSource
from umop.system.errors import UserError

CONFIG_SETTINGS = frozenset(inspect.signature(Runner).parameters) - {"cfg"} | {
    # read by mmengine
    "activation_checkpointing",
    "compile",
    "cudnn_benchmark",
    "custom_imports",
    "efficient_conv_bn_eval",
    "find_unused_parameters",
    "model_wrapper_cfg",
    "sync_bn",
    # read by umop
    "auto_schedule",
    "auto_size",
    "auto_weights",
    "channels_last",
    "data_hint",
    "needs_gpu",
    "tiles",
    "tta_model",
    "tta_pipeline",
}


def config_variables(source: ConfigSource) -> set[str]:
    """The names that a config's files assign only to use them in settings."""
    return {
        name
        for file in source.files()
        for name in file.assigned
        if name not in CONFIG_SETTINGS and not name.startswith("_")
    }


def require_used(source: ConfigSource) -> None:
    """Checks that every name at the top of a config's files does something.

    Raises:
        UserError: One is neither a setting nor used in the file, such as a misspelt setting.
    """
    used_by_children = {name for file in source.files() for name in file.used}
    for file in source.files():
        for name in file.assigned.keys() - CONFIG_SETTINGS - file.used:
            if name.startswith("_"):
                continue
            inherited = {other for base in file.bases for other in config_variables(base)}
            if name in inherited and name not in file.plain:
                raise UserError(
                    f"{file.path}: '{name}' is a variable of a file that this one inherits from: "
                    "give it a plain value, such as 5 or (640, 640), or change the settings that "
                    "it is used in."
                )
            if name not in used_by_children | inherited:
                raise UserError(
                    f"{file.path}: there is no setting '{name}', and nothing uses it."
                    f"{did_you_mean(name, sorted(CONFIG_SETTINGS))}"
                )


def without_variables(config: Config) -> Config:
    """Only the settings of a config."""
    settings = {name: value for name, value in config.items() if name in CONFIG_SETTINGS}
    return Config(settings, filename=None)


def leaves(config: Config) -> dict[str, str]:
    """The dotted name of every value in a config's settings, and the value as text."""
    return _flatten(without_variables(config).to_dict())


def _flatten(value: object, prefix: str = "") -> dict[str, str]:
    """Maps the dotted path of every leaf of a tree to its value, as text."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {prefix: repr(value)}
    found: dict[str, str] = {}
    for key, child in value.items():
        found.update(_flatten(child, f"{prefix}.{key}" if prefix else str(key)))
    return found


def where_used(config: Config, variable: str) -> str | None:
    """The dotted name of the first setting that has a variable's value; None where none has."""
    return _find(config[variable], {key: config[key] for key in config if key in CONFIG_SETTINGS})


def _find(value: Any, within: Any, prefix: str = "") -> str | None:
    """The dotted name of the first part that equals a value."""
    if prefix and type(within) is type(value) and within == value:
        return prefix
    if isinstance(within, dict):
        parts: Iterable[tuple[Any, Any]] = within.items()
    else:
        parts = enumerate(within) if isinstance(within, list | tuple) else ()
    for key, part in parts:
        if found := _find(value, part, f"{prefix}.{key}" if prefix else str(key)):
            return found
    return None
