"""Names that commands, files and settings share."""

from __future__ import annotations

from typing import Literal

EngineName = Literal["onnxruntime", "openvino", "torch"]
"""An engine is the module of that name in ``serving.inference.engines``."""
ArchiveEngine = Literal["auto", "onnxruntime", "torch"]
"""What runs the network of TorchServe's archive; ``auto`` is for its handler to choose."""
Precision = Literal["fp32", "fp16", "int8"]
RESULT_FORMAT_NAMES = ("json", "csv", "coco", "yolo", "voc", "labelstudio")
"""A format of ``umop predict`` is the module of that name in ``serving.predict.formats``."""
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGE_SUFFIXES = (*_JPEG, ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""The names of files that are read as images end with one of these."""
SMALLEST_WINDOW, LARGEST_WINDOW = 64, 8192
"""Sides of a window in pixels of the image."""
