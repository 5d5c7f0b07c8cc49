"""Values of more than 8 bits, in 8."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that sensors and files have."""


@dataclass(frozen=True)
class Scale:
    """How the values of one image become 0 to 255.

    Files say how many bits a value has, not how many are used: 12 bits of a sensor lie in 16. So
    the largest value decides: the smallest of 8, 10, 12, 14 and 16 that holds it is the depth, and
    values are scaled by that power of two. Floats up to 1 are multiplied by 255. Values below zero
    and those that are no number are 0.

    Attributes:
        factor: What values are multiplied by.
        warning: What an image of these values should be looked at for; None for the usual ones.
    """

    factor: float
    warning: str | None = None

    @classmethod
    def of(cls, parts: Iterable[NDArray[Any]]) -> Scale:
        """Returns the scale for an image, by its parts."""
        peak, usual, is_float = 0.0, 0.0, False
        for part in parts:
            is_float = part.dtype.kind == "f"
            usual = 1.0 if is_float else float(np.iinfo(part.dtype).max)
            finite = part[np.isfinite(part)] if is_float else part
            peak = max(peak, float(finite.max(initial=0)))
        if is_float and peak <= 1:
            return cls(255.0, f"its values are floats up to {peak:.3g}" if peak > 0 else None)
        depth = next((bits for bits in _DEPTHS if peak < 2**bits), int(peak).bit_length())
        said = (
            None
            if peak == 0 or 2**depth > usual
            else f"its values end at {peak:g}, as {depth} bits"
        )
        return cls(2.0 ** (8 - depth), said)

    def apply(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Returns values in 8 bits."""
        if values.dtype == np.uint8 and self.factor == 1:
            return values
        if values.dtype.kind == "u":
            return (values >> round(-np.log2(self.factor))).astype(np.uint8)
        with np.errstate(over="ignore"):
            scaled = np.nan_to_num(values.astype(np.float64)) * self.factor
        return np.clip(scaled + (0.5 if values.dtype.kind == "f" else 0), 0, 255).astype(np.uint8)
