"""Where the data set of a config's loader lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def annotation_file(dataset: Any) -> Path:
    """The annotation file of a loader's data set."""
    return Path(dataset.data_root) / dataset.ann_file


def image_folder(dataset: Any) -> Path:
    """The folder of its images."""
    return Path(dataset.data_root) / dataset.data_prefix.img
