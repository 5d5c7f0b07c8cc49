"""From a checkpoint to a bundle that serves without training code."""

from umop.export.bundle import VERSION, Export, export, export_if_changed, is_exported

__all__ = ["VERSION", "Export", "export", "export_if_changed", "is_exported"]
