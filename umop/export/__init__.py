"""From a checkpoint to a bundle that serves without training code."""

from umop.export.bundle import Export, export, is_exported

__all__ = ["Export", "export", "is_exported"]
