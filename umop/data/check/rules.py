"""What a rule is: it finds what is wrong, and says how that can be put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Hit:
    """One place where a rule is broken.

    Attributes:
        text: Where, and what is wrong; one line.
        image: Index of the image, where there is one.
        box: Index of the box, where there is one.
        path: The image's file, where it has no index.
    """

    text: str
    image: int | None = None
    box: int | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Rule:
    """A kind of defect.

    Attributes:
        name: Its name.
        severity: An error is refused for training, a warning is not.
        title: What is wrong, for the table.
        find: Finds all places.
        repair: Puts them right; None where only a person can.
        done: What the repair does, such as ``left out``.
        automatic: Whether training repairs by itself, or only ``--fix``.
    """

    name: str
    severity: Severity
    title: str
    find: Callable[[Examined], Iterable[Hit]]
    repair: Callable[[Examined, Sequence[Hit]], Examined] | None = None
    done: str = ""
    automatic: bool = True


def box_hits(
    examined: Examined, mask: NDArray[np.bool_] | np.bool_, text: Callable[[int], str]
) -> Iterator[Hit]:
    """A hit for each box of a mask, bool of shape (boxes,).

    Args:
        examined: The data set.
        mask: Which boxes break the rule.
        text: Says what is wrong with a box, given its index.
    """
    for box in np.flatnonzero(mask).tolist():
        where = examined.data.where(box)
        yield Hit(f"{where}: {text(box)}", int(examined.data.boxes.image[box]), box)
