"""Digests of files, as serving computes them."""

from serving.shared import sha256_of, sha256_of_stream

__all__ = ["sha256_of", "sha256_of_stream"]
