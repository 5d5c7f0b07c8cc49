"""Names that commands, files and settings share."""

from __future__ import annotations

from typing import Literal

EngineName = Literal["onnxruntime", "openvino", "torch"]
Precision = Literal["fp32", "fp16", "int8"]
