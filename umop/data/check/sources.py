"""Which code has found what: findings of other code are not taken for those of this one."""

from __future__ import annotations

import inspect
from functools import cache
from hashlib import blake2b
from pathlib import Path

from serving.shared import decode


@cache
def digest_of_sources() -> str:
    """A digest of the sources that read, check and decode data."""
    digest = blake2b(digest_size=16)
    for folder in (Path(inspect.getfile(decode)).parent, Path(__file__).parents[1]):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
