"""What ``umop predict`` prints."""

from __future__ import annotations

import json
from typing import Any


def results(text: str) -> dict[str, list[dict[str, Any]]]:
    """What was found, by the image's name."""
    return {each["name"]: each["detections"] for each in json.loads(text)["results"]}


def labels(text: str) -> dict[str, list[str]]:
    """The classes of what was found, by the image's name."""
    return {name: [each["label"] for each in found] for name, found in results(text).items()}
