"""Reads files of weights; nothing in them is executed."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from numpy._core import multiarray
from torch import Tensor

from umop.system.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """What a file of a detector's weights holds.

    Attributes:
        tensors: By name.
        classes: Empty where the file does not say.
        style: Of its ResNet, ``pytorch`` or ``caffe``; empty where the file does not say.
    """

    tensors: dict[str, Tensor]
    classes: tuple[str, ...]
    style: str


def read_plain(path: str | Path, map_location: Any = "cpu") -> Any:
    """Reads tensors, Python's plain types, and the logs of mmengine's checkpoints.

    Raises:
        Exception: The file holds something else; the unpickler raises many kinds.
    """
    with torch.serialization.safe_globals(_PLAIN_OBJECTS):
        return torch.load(path, map_location=map_location, weights_only=True)


def read_checkpoint(file: Path) -> Checkpoint:
    """Reads a checkpoint of a detector, as mmdet 2 or 3 writes it.

    Raises:
        UserError: There is no such file, or it is no checkpoint of a detector.
    """
    if not file.is_file():
        raise UserError(f"{file} does not exist.")
    try:
        content = read_plain(file)
    except Exception as error:  # of another kind of file, the unpickler raises many kinds
        raise UserError(
            f"{file} cannot be read as a checkpoint: it is damaged, another kind of file, or holds "
            "more than weights and logs. Nothing in it was executed."
        ) from error
    tensors = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise UserError(
            f"{file} holds no 'state_dict' of tensors, as mmdet's checkpoints do. It takes a whole "
            "detector, not only a backbone."
        )
    named = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    meta = content.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return Checkpoint(named, _classes(meta), _style(meta))


def _classes(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The classes that a checkpoint's meta data names."""
    data = meta.get("dataset_meta")
    data = data if isinstance(data, Mapping) else meta
    found = data.get("classes") or data.get("CLASSES")
    if isinstance(found, list | tuple):
        return tuple(map(str, found))
    return (found,) if isinstance(found, str) else ()


def _style(meta: Mapping[str, Any]) -> str:
    """The style of a ResNet, read from a config's text in the meta data."""
    found = re.search(r"\bstyle='(\w+)'", str(meta.get("cfg") or meta.get("config")))
    return found[1] if found else ""


def _method_of_history(history: type, name: str) -> Any:
    """What ``getattr`` may do in a checkpoint: mmengine's log histories name their methods.

    Raises:
        UnpicklingError: It is to do something else.
    """
    if history is not HistoryBuffer or name not in ("min", "max", "current", "mean"):
        raise pickle.UnpicklingError(f"the file asks for the attribute {name!r}")
    return getattr(HistoryBuffer, name)


_PLAIN_OBJECTS: list[Any] = [
    HistoryBuffer,
    (_method_of_history, "builtins.getattr"),
    np.dtype,
    np.ndarray,
    *(type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64)),
    *(
        (function, f"{module}.{function.__name__}")
        for module in ("numpy._core.multiarray", "numpy.core.multiarray")
        for function in (multiarray._reconstruct, multiarray.scalar)
    ),
]
"""What mmengine's checkpoints hold beside tensors and Python's plain types."""
