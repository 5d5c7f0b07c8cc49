"""Finds pickles, in files and in archives within archives."""

from __future__ import annotations

import io
import pickletools
import zipfile

PROTOCOLS = tuple(bytes([0x80, version]) for version in range(2, 6))


def assert_no_pickle(content: bytes, name: str = "it") -> None:
    """Fails if ``content``, or anything in it if it is a zip, can be read as a pickle."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            for member in members.namelist():
                assert_no_pickle(members.read(member), member)
        return
    assert not (content.startswith(PROTOCOLS) and is_pickle(content)), f"{name} is a pickle"


def is_pickle(content: bytes) -> bool:
    """Whether the bytes start with a whole pickle."""
    try:
        for _ in pickletools.genops(content):
            pass
    except Exception:
        return False
    return True
