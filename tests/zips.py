"""Zips that no program should write."""

from __future__ import annotations

import io
from zipfile import ZipFile


def zip_with_a_name_that_is_no_text() -> bytes:
    """A zip that says that the name in it is UTF-8, which it is not."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("é.png", b"")
    return packed.getvalue().replace("é".encode(), b"\xff\xff")
