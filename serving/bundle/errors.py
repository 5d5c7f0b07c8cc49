"""Errors of bundles."""

from __future__ import annotations


class BundleError(Exception):
    """The bundle cannot be used; the message is one line that says why."""


class SignatureError(BundleError):
    """The bundle is not signed with the key."""


class UnreachableError(BundleError):
    """The place of a bundle does not answer, has none, or changes while it is read."""
