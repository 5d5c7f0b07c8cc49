"""Which image of a task Label Studio's regions are drawn on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from umop.data.files.names import is_image
from umop.data.layouts.label_studio.regions import has_shape

_UPLOADED = re.compile(r"(^|.*/)[0-9a-f]{8}-(?=[^/]+$)")
"""What Label Studio puts before the name of a file that a person uploads."""
_LOCAL = "/data/local-files/?d="
_KEY = "image"


def without_upload(name: str) -> str:
    """A name without what Label Studio puts before it."""
    return _UPLOADED.sub(r"\1", name)


def image_name(data: dict[str, Any]) -> str | None:
    """The image that a task's data most likely mean, whatever its key is."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    if data.get(_KEY):
        return _plain(texts[_KEY]) if _KEY in texts else None
    paths = [_plain(value) for value in texts.values() if "/" in value]
    return next(iter([*filter(is_image, paths), *_named(data).values(), *paths]), None)


def canvases(regions: Iterable[dict[str, Any]]) -> set[str]:
    """The tags of the labelling interface on which shapes are drawn; in JSON-MIN, those drawn."""
    shapes = filter(has_shape, regions)
    return {str(each.get("to_name") or each.get("from_name")) for each in shapes}


def image_of_regions(
    data: dict[str, Any],
    regions: Sequence[dict[str, Any]],
    known: set[str],
    find: Callable[[str], Path | None],
) -> str | None:
    """The image on which all regions of a task are drawn; None where it has neither.

    Args:
        data: What the task is of.
        regions: What is drawn.
        known: The :func:`canvases` of all tasks.
        find: Finds the image of a name.

    Raises:
        ValueError: It is not clear which image that is.
    """
    own = canvases(regions)
    has_several = len(own) > 1 and any("to_name" in each for each in regions)
    if has_several or any(each.get("item_index") for each in regions):
        raise ValueError("its boxes are on several images")
    found = _named(data)
    if len(found) > 1 and len(own) == 1 and own <= found.keys():
        return found[own.pop()]
    there = {key: path for key, name in found.items() if (path := find(name))}
    if len(set(there.values())) > 1 and (_KEY not in found or len(known) > 1):
        raise ValueError(f"it is not clear which image of {', '.join(there)} its boxes are on")
    name = image_name(data)
    if there and not data.get(_KEY):
        name = found[next(iter(there))]
    if name is None and own:
        raise ValueError("its data names no single image")
    return name


def _named(data: dict[str, Any]) -> dict[str, str]:
    """The values that are names of images, by their keys."""
    texts = {key: _plain(value) for key, value in data.items() if isinstance(value, str)}
    return {key: name for key, name in texts.items() if is_image(name)}


def _plain(address: str) -> str:
    """The name in an address: without what asks for it, and with its own letters."""
    before, is_local, local = address.partition(_LOCAL)
    if is_local:
        return unquote(local)
    return unquote(before.partition("?")[0] if "://" in before else before)
