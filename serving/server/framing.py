"""What a request's body may look like on the wire (RFC 9112, sections 6 and 7)."""

from __future__ import annotations

import h11

_ALWAYS_ALLOWED = 256
"""Chunks of a body, however small."""
_BYTES_OF_A_CHUNK = 128
"""What each further one must have on average."""

_Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class FramingGuard(h11.Connection):
    """A server's side of a connection, which refuses bodies that harm others.

    One whose length is said twice: by chunks, and by a Content-Length, which a proxy may go by. To
    such a proxy the rest of the body is another request.

    And one in many tiny chunks. Everyone waits while a chunk's frame is read: bodies in chunks of
    one byte would hold up the event loop for seconds. Clients write chunks of kilobytes. A body
    whose length is announced has no frames: it comes in whatever pieces the network cuts it.

    Attributes:
        reason: Why the last body was refused, if for its framing.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER)
        self.reason: str | None = None
        self._left = 0

    def next_event(self) -> _Event:
        """Returns what comes next.

        Raises:
            RemoteProtocolError: It is not HTTP, or its body is refused.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._left = _ALWAYS_ALLOWED * _BYTES_OF_A_CHUNK
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
                self._refuse("the request has a Content-Length and a Transfer-Encoding; send one")
        elif isinstance(event, h11.Data):
            self._left += len(event.data) - _BYTES_OF_A_CHUNK * event.chunk_start
            if self._left < 0:
                self._refuse(
                    f"the body has more than {_ALWAYS_ALLOWED} chunks of less than "
                    f"{_BYTES_OF_A_CHUNK} bytes on average; send larger ones, or its length"
                )
        return event

    def _refuse(self, reason: str) -> None:
        self.reason = reason
        raise h11.RemoteProtocolError(reason)
