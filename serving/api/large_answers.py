"""Large answers: they are sent as the client takes them, and count until then."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import unavailable
from serving.guards.budget import ByteBudget, Held

_PART = 2**16


class LargeAnswers:
    """Sends answers of more than 64 KiB in parts, each once the client has taken those before.

    An answer that finds too many bytes waiting for slow clients becomes a 503; small ones do not.
    Only answers to POST count: others are files, which are sent in parts anyway.

    Args:
        app: The next application.
        budget: Bytes of large answers that may wait together; the last one may exceed it.
    """

    def __init__(self, app: ASGIApp, budget: ByteBudget) -> None:
        self._app = app
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and sends its answer in parts."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        with self._budget.hold() as held:
            await self._app(scope, receive, _Answer(scope, receive, send, held).send)


class _Answer:
    """An answer, as it is sent.

    Args:
        scope: Of its request.
        receive: Gives the request's next message.
        send: Sends a message of the answer.
        held: Counts its bytes.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, held: Held) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._held = held
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message  # sent with the body, or not at all
            return
        body = message.get("body", b"")
        if len(body) > _PART and self._start and self._held.is_too_much:
            await self._refuse()
            return
        if self._start:
            await self._send(self._start)
            self._start = None
        if len(body) > _PART:
            self._held.add(len(body))
        for place in range(0, max(len(body), 1), _PART):
            part = {**message, "body": body[place : place + _PART]}
            if place + _PART < len(body):
                part["more_body"] = True
            await self._send(part)

    async def _refuse(self) -> None:
        detail = "too many large answers wait for slow clients; try again soon"
        path = self._scope["path"].removeprefix(self._scope.get("root_path", ""))
        problem = unavailable("overloaded", detail, 5).response(path)
        await problem(self._scope, self._receive, self._send)
