"""What a run ended with, to be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import torch

from umop.runs.folder import RunFolder

TIMES = {"time", "data_time", "memory", "eta"}
"""What no two runs have in common."""


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``, without what depends on the time."""
    if not run.metrics_file.is_file():
        return []
    lines = [json.loads(line) for line in run.metrics_file.read_text().split("\n")[:-1]]
    return [{key: line[key] for key in line if key not in TIMES} for line in lines]


def result(run: RunFolder) -> dict[str, str]:
    """The digest of each tensor in a run's last checkpoint, and its numbers."""
    checkpoint = torch.load(run.require_checkpoint(), weights_only=False)
    state = {name: checkpoint[name] for name in ("state_dict", "ema_state_dict", "optimizer")}
    state["schedulers"] = checkpoint["param_schedulers"]
    state["training"] = {**checkpoint["training"], "metrics_bytes": None}
    info = checkpoint["message_hub"]["runtime_info"]
    state["best"] = (info["best_score"], info["evaluated"])
    return dict(leaves(state))


def leaves(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, torch.Tensor):
        yield prefix, hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, f"{prefix}.{key}")
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from leaves(child, f"{prefix}.{index}")
    else:
        yield prefix, repr(value)
