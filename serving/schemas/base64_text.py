"""Base64 as the web writes it."""

from __future__ import annotations

import base64

_LONGEST_PREFIX = 256
_LINE_ENDS = b"\r\n\t "


def decode_base64(text: str) -> bytes:
    """Decodes base64, also behind a ``data:`` URI's prefix and in lines.

    Raises:
        ValueError: It is something else.
    """
    if text[:5].lower() == "data:":
        comma = text.find(",", 0, _LONGEST_PREFIX)
        if not text[:comma].lower().endswith(";base64"):
            raise ValueError("the data: URI is not base64")
        text = text[comma + 1 :]
    return base64.b64decode(text.encode("ascii").translate(None, _LINE_ENDS), validate=True)
