"""What a request may look like on the wire (RFC 9112, sections 2, 6 and 7)."""

from __future__ import annotations

import re

import h11

_LONGEST_HEADER = 2**16
_HEADER_END = re.compile(rb"\n\r?\n")
_ALWAYS_ALLOWED = 256
"""Chunks of a body, however small."""
_BYTES_OF_A_CHUNK = 128
"""What each further one must have on average."""

_Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class FramingGuard(h11.Connection):
    """A server's side of a connection, which refuses requests that harm others.

    One with a long header, in whatever pieces it comes: everyone waits while it is parsed.

    One whose body's length is said twice: by chunks, and by a Content-Length, which a proxy may go
    by. To such a proxy the rest of the body is another request.

    And one whose body comes in many tiny chunks. Everyone waits while a chunk's frame is read:
    bodies in chunks of one byte would hold up the event loop for seconds. Clients write chunks of
    kilobytes. A body whose length is announced has no frames: it comes in whatever pieces the
    network cuts it.

    Attributes:
        reason: Why the last request was refused, if for its header's length or its framing.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=_LONGEST_HEADER)
        self.reason: str | None = None
        self._left = 0

    def next_event(self) -> _Event:
        """Returns what comes next.

        Raises:
            RemoteProtocolError: It is not HTTP, or the request is refused.
        """
        if self.their_state is h11.IDLE:
            self._require_short_header()
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

    def _require_short_header(self) -> None:
        received, _ = self.trailing_data
        if len(received) > _LONGEST_HEADER and not _HEADER_END.search(received, 0, _LONGEST_HEADER):
            self._refuse(f"the request's header has more than {_LONGEST_HEADER} bytes")

    def _refuse(self, reason: str) -> None:
        self.reason = reason
        raise h11.RemoteProtocolError(reason)
