"""Builds what a config describes, and says what of it cannot be built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel

from umop.system.errors import UserError

_UNBUILT = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the libraries raise for arguments that do not fit."""
_NO_MISTAKE = (torch.OutOfMemoryError, torch.distributed.DistError)


def explained(error: Exception) -> Exception:
    """What the libraries say of a config that they cannot build, as a user's mistake."""
    is_of_config = isinstance(error, _UNBUILT) and not isinstance(error, _NO_MISTAKE)
    reason = " ".join(str(error).split())
    text = f"The config cannot be built: {type(error).__name__}: {reason}"
    return UserError(text) if is_of_config else error


@contextmanager
def mistakes_explained() -> Iterator[None]:
    """Builds something of a config inside the block.

    Raises:
        UserError: The config has something that cannot be built.
    """
    try:
        yield
    except Exception as error:
        raise explained(error) from error


def build_model(config: Config) -> BaseModel:
    """A config's model, built from a copy: mmdet writes settings into what it builds from.

    Raises:
        UserError: It cannot be built.
    """
    with mistakes_explained():
        model: BaseModel = MODELS.build(deepcopy(config.model))
        return model
