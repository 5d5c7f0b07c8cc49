"""The numbers that settings take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from umop.system.errors import UserError

_MOST = 1_000_000_000
"""The largest number where nothing smaller is known: enough for any training, and no overflow."""


@dataclass(frozen=True)
class Range:
    """The numbers that a setting or an option takes.

    Attributes:
        low: The smallest.
        high: The largest.
        whole: Whether it must be a whole number.
        above: Whether it must be more than ``low``.
    """

    low: float
    high: float = _MOST
    whole: bool = True
    above: bool = False

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.low <= value <= self.high and not (self.above and value == self.low)

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.above:
            return f"{number} above {self.low}, up to {self.high}"
        return f"{number} from {self.low} to {self.high}"


_COUNT = Range(1)
_POSITIVE = Range(0, whole=False, above=True)
_SHARE = Range(0, 1, whole=False)
_RANGES = {
    "accumulative_counts": _COUNT,
    "base_epochs": _COUNT,
    "base_iters": _COUNT,
    "base_size": _COUNT,
    "base_batch_size": _COUNT,
    "batch_size": _COUNT,
    "begin": Range(0),
    "end": _COUNT,
    "end_factor": _SHARE,
    "epochs": _POSITIVE,
    "interval": _COUNT,
    "iou_threshold": _SHARE,
    "keep": _COUNT,
    "last_share": _SHARE,
    "lr": _POSITIVE,
    "max_epochs": _COUNT,
    "max_iters": _COUNT,
    "max_norm": _POSITIVE,
    "max_per_img": _COUNT,
    "max_size": _COUNT,
    "min_box": _POSITIVE,
    "min_iters": _COUNT,
    "minutes": _POSITIVE,
    "num_classes": _COUNT,
    "num_outs": _COUNT,
    "num_workers": Range(0),
    "patience": _COUNT,
    "prob": _SHARE,
    "score_thr": _SHARE,
    "seed": Range(0, 2**32 - 1),
    "start_factor": _SHARE,
    "stretch": Range(1, 10, whole=False),
    "val_interval": _COUNT,
    "weight_decay": Range(0, whole=False),
}
"""What a setting takes, by the last part of its name."""

_LISTS = {"prob"}
"""Of those, what may be a list with a number for each of several cases."""

_LENGTH = {"epochs", "max_iters", "min_iters"}
AUTO_SCHEDULE = _LENGTH | {"base_epochs", "base_iters"}
"""The parts of ``auto_schedule``; of the last two a config has the one that it counts."""

AUTO_SIZE = {"base_size", "max_size", "min_box"}
"""The parts of ``auto_size``."""

TILES = {"window", "overlap"}
"""The parts of ``tiles``."""

SIZE_KEYS = {
    "Collage": "img_scale",
    "MixUp": "img_scale",
    "Mosaic": "img_scale",
    "OccasionalMixUp": "img_scale",
    "Pad": "size",
    "RandomCrop": "crop_size",
    "RandomResize": "scale",
    "Resize": "scale",
}
"""The steps of a data pipeline that have a size, and its key."""


def check_numbers(path: list[str], section: dict[str, Any]) -> None:
    """Checks the numbers of a section that :data:`_RANGES` knows.

    Raises:
        UserError: One is out of range.
    """
    for key, allowed in _RANGES.items():
        value = section.get(key)
        values = value if key in _LISTS and isinstance(value, list | tuple) else [value]
        if any(each is not None and each not in allowed for each in values):
            name = ".".join([*path, key])
            raise UserError(f"The config's {name} is {value!r}; it must be {allowed}.")


def check_sizes(path: list[str], section: dict[str, Any]) -> None:
    """Checks the size of a step of a data pipeline, and the factors that it is drawn from.

    Raises:
        UserError: The size is not made of whole numbers, or the factors are no range.
    """
    factors = section.get("ratio_range")
    if factors is not None and not _is_factors(factors):
        raise UserError(
            f"The config's {'.'.join([*path, 'ratio_range'])} is {factors!r}; it must be two "
            "numbers above 0, the smaller one first, such as (0.8, 1.2)."
        )
    key = SIZE_KEYS.get(str(section.get("type")), "")
    size = section.get(key)
    if size is not None and not _is_size(size):
        raise UserError(
            f"The config's {'.'.join([*path, key])} is {size!r}; it must be two whole numbers, "
            "such as (640, 640)."
        )


def _is_factors(value: object) -> bool:
    """Whether a value is a pair of positive numbers, the smaller one first."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    return all(factor in _POSITIVE for factor in value) and value[0] <= value[1]


def _is_size(value: object) -> bool:
    """Whether a value is a pair of sides in pixels, or a list of such pairs."""
    if not isinstance(value, list | tuple) or not value:
        return False
    if all(isinstance(part, list | tuple) for part in value):
        return all(map(_is_size, value))
    return len(value) == 2 and all(side in _COUNT for side in value)


def check_automatic(content: dict[str, Any]) -> None:
    """Checks what a length and a size that follow from the data are computed from.

    Raises:
        UserError: A part is missing, or the lower bound is above the upper one.
    """
    base = "base_epochs" if "max_epochs" in (content.get("train_cfg") or {}) else "base_iters"
    _check_bounds(content, "auto_schedule", _LENGTH | {base}, "min_iters", "max_iters")
    _check_bounds(content, "auto_size", AUTO_SIZE, "base_size", "max_size")


def _check_bounds(content: dict[str, Any], name: str, parts: set[str], low: str, high: str) -> None:
    """Checks a section with a lower and an upper bound.

    Raises:
        UserError: A part is missing, or the lower bound is above the upper one.
    """
    section = content.get(name)
    if section is None:
        return
    if missing := sorted(parts - set(section)):
        raise UserError(f"The config's {name} lacks {', '.join(missing)}.")
    if section[low] > section[high]:
        raise UserError(
            f"The config's {name}.{low} is {section[low]}, more than {high}, {section[high]}: "
            "set both."
        )


def check_schedulers(content: dict[str, Any]) -> None:
    """Checks that each scheduler of the learning rate ends after it begins.

    Raises:
        UserError: One does not.
    """
    schedulers = content.get("param_scheduler") or []
    for index, scheduler in enumerate(schedulers if isinstance(schedulers, list) else []):
        begin, end = scheduler.get("begin", 0), scheduler.get("end")
        if end is not None and end <= begin:
            raise UserError(
                f"The config's param_scheduler.{index} begins at {begin} and ends at {end}; it "
                "must end later."
            )
