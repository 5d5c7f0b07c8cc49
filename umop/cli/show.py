"""How commands print what they measured."""

from __future__ import annotations


def shown(metric: float) -> str:
    """A metric as it is printed; COCO's tools give -1 where there is nothing to measure."""
    return f"{metric:.3f}" if metric >= 0 else "no boxes"
