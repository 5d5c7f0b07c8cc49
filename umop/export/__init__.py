"""From a checkpoint to a bundle that serves without training code."""

from umop.export.bundle import export, is_exported

__all__ = ["export", "is_exported"]
