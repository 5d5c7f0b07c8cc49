"""Keeps images of some requests, with what was found in them, for labelling and training."""

from serving.capture.capture import Capture, CaptureError

__all__ = ["Capture", "CaptureError"]
