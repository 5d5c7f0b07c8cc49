"""Versions of the installed packages."""

from __future__ import annotations

from importlib import metadata

STACK = ("torch", "torchvision", "onedl-mmdetection", "onedl-mmcv", "onedl-mmengine", "timm")
"""The packages that a result depends on most."""


def installed(name: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def all_installed() -> dict[str, str]:
    """The exact versions of all installed packages, by name."""
    found = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return dict(sorted((name, version) for name, version in found.items() if name))
