"""Keeps the event loop free of work that takes long for many boxes, and of no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
MANY_BOXES = 300
"""Fewer are named or written within some 5 ms, of which a thread would be a good part."""


async def aside(
    boxes: int,
    work: Callable[_Arguments, _Result],
    *arguments: _Arguments.args,
    **options: _Arguments.kwargs,
) -> _Result:
    """Does what takes its time for each box: in a thread where there are many.

    Args:
        boxes: How many there are.
        work: What is done.
        arguments: What it is given.
        options: What it is given by name.
    """
    if boxes < MANY_BOXES:
        return work(*arguments, **options)
    return await asyncio.to_thread(work, *arguments, **options)
