"""UMOP training: losses, models, data, and the commands that train, evaluate and export."""

__version__ = "0.1.0"
