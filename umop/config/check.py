"""Finds what is wrong in a config before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from umop.config.files import did_you_mean
from umop.config.keys import FUNCTIONS, find_types, known_keys, type_names
from umop.errors import UserError


@dataclass(frozen=True)
class Range:
    """The numbers that a setting takes.

    Attributes:
        low: The smallest.
        high: The largest; None for any.
        whole: Whether it must be a whole number.
        above: Whether it must be more than ``low``.
    """

    low: int
    high: int | None = None
    whole: bool = True
    above: bool = False

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return (value > self.low if self.above else value >= self.low) and (
            self.high is None or value <= self.high
        )

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.high is not None:
            return f"{number} from {self.low} to {self.high}"
        return f"{number} above {self.low}" if self.above else f"{number}, {self.low} or more"


LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
RANGES = {
    **{f"{loader}.batch_size": Range(1) for loader in LOADERS},
    **{f"{loader}.num_workers": Range(0) for loader in LOADERS},
    "randomness.seed": Range(0, 2**32 - 1),
    "train_cfg.max_iters": Range(1),
    "train_cfg.max_epochs": Range(1),
    "train_cfg.val_interval": Range(1),
    "optim_wrapper.accumulative_counts": Range(1),
    "optim_wrapper.optimizer.lr": Range(0, whole=False, above=True),
    "optim_wrapper.optimizer.weight_decay": Range(0, whole=False),
    "auto_scale_lr.base_batch_size": Range(1),
    "default_hooks.checkpoint.interval": Range(1),
    "default_hooks.logger.interval": Range(1),
    "model.bbox_head.num_classes": Range(1),
}


def check(config: Config) -> None:
    """Checks a config's keys, types and numbers.

    Sections without a type, such as ``model.test_cfg``, are checked where their keys are known.

    Raises:
        UserError: Something is wrong; the message is one line and names the setting.
    """
    content = config.to_dict()
    for path, section in sections(content):
        check_type(path, section)
        known = known_keys(section, path)
        for key in sorted(set(section) - (set(section) if known is None else known)):
            name = ".".join([*path, key])
            kind = f" of {section['type']}" if section.get("type") else ""
            raise UserError(
                f"The config has an unknown key{kind}: '{name}'."
                f"{did_you_mean(key, sorted(known or ()))}"
            )
    check_ranges(content)
    check_workers(content)


def sections(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """All sections of a config, each with the keys that lead to it."""
    if isinstance(value, dict):
        yield list(path), value
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list | tuple):
            yield from sections(part, (*path, str(key)))


def check_type(path: list[str], section: dict[str, Any]) -> None:
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


def check_ranges(content: dict[str, Any]) -> None:
    """Checks the numbers that :data:`RANGES` knows.

    Raises:
        UserError: One is out of range.
    """
    for name, allowed in RANGES.items():
        value: Any = content
        for key in name.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and value not in allowed:
            raise UserError(f"The config's {name} is {value!r}; it must be {allowed}.")


def check_workers(content: dict[str, Any]) -> None:
    """Checks that loaders without processes of their own do not keep them.

    Raises:
        UserError: One does, which torch refuses.
    """
    for name in LOADERS:
        loader = content.get(name) or {}
        if loader.get("persistent_workers") and loader.get("num_workers", 0) == 0:
            raise UserError(
                f"The config's {name} has no workers to keep: with num_workers=0, set "
                f"{name}.persistent_workers=False."
            )
