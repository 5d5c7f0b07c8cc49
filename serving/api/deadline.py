"""The deadline of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from serving.api.problems import Problem, unavailable

_Result = TypeVar("_Result")


class Deadline:
    """Cancels the work on a request when its deadline passes or its client disconnects.

    Args:
        request: The request.
        seconds: From now to the deadline.
    """

    def __init__(self, request: Request, seconds: float) -> None:
        self._request = request
        self._until = monotonic() + seconds

    async def reading(self, read: Coroutine[Any, Any, _Result]) -> _Result:
        """Returns what ``read`` got from the request's body.

        Raises:
            Problem: 408, the body did not arrive in time.
        """
        try:
            return await asyncio.wait_for(read, self._left())
        except asyncio.TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "slow-upload", "the body did not arrive in time"
            ) from None

    async def working(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Returns the result of ``work``; call it after the body is read.

        Raises:
            Problem: 503, the deadline passed.
            ClientDisconnect: The client disconnected.
        """
        task = asyncio.create_task(work)
        gone = asyncio.create_task(self._disconnect())
        try:
            await asyncio.wait(
                {task, gone}, timeout=self._left(), return_when=asyncio.FIRST_COMPLETED
            )
            if task.done():
                return task.result()
            if gone.done():
                raise ClientDisconnect
            raise unavailable("deadline-passed", "the answer was not ready in time", 1)
        finally:
            task.cancel()
            gone.cancel()

    def _left(self) -> float:
        return max(self._until - monotonic(), 0)

    async def _disconnect(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
