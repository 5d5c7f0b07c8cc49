"""The method once more, slowly and in NumPy, as the paper and the authors' code define it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def condition(logits: NDArray[np.float64], labels: NDArray[np.int64], kind: str) -> float:
    """How hard one level's positives are."""
    classes = logits.shape[1]
    probabilities = [
        1 / (1 + np.exp(-logits[anchor, label]))
        for anchor, label in enumerate(labels)
        if 0 <= label < classes
    ]
    if not probabilities:
        return 2.0
    if kind == "mean_nll":
        return float(np.mean([-np.log(p) for p in probabilities]))
    return float(-np.log(np.mean(probabilities)))


def progressive_focal_loss(
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    avg_factor: float,
    kind: str = "mean_nll",
) -> float:
    """The loss of one level, anchor by anchor and class by class."""
    gamma = min(max(condition(logits, labels, kind), 1.5), 2.5)
    alpha = 0.5 / gamma
    total = 0.0
    for anchor, label in enumerate(labels):
        for c in range(logits.shape[1]):
            p = 1 / (1 + np.exp(-logits[anchor, c]))
            if c == label:
                term = -alpha * (1 - p) ** gamma * np.log(p)
            else:
                term = -(1 - alpha) * p**gamma * np.log(1 - p)
            total += weights[anchor] * term
    return total / avg_factor
