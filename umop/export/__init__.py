"""From a checkpoint to a bundle that serves without training code."""

from umop.export.bundle import export

__all__ = ["export"]
