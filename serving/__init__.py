"""Inference: reads a bundle, detects objects, answers over HTTP. Needs no training code."""

import os

# ONNX Runtime reads it when it is imported, and else keeps an id of this machine to report with.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
