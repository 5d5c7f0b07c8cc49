"""Errors of ``umop predict``."""

from __future__ import annotations


class PredictError(Exception):
    """The command cannot do what it is asked; the message is one line that says why."""


class InputError(Exception):
    """One input cannot be read; the others can. The message is one line that says why."""
