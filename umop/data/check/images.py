"""Rules about images: their files and their sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from umop.data.check.examined import Examined
from umop.data.check.records import Record
from umop.data.check.repairs import drop_images, with_corners
from umop.data.check.rules import Hit, Rule
from umop.data.check.turned import written_size
from umop.data.dataset import Image

_RATIO_TOLERANCE = 0.01
_LONGEST = 100
"""The longest image, in times its width: of longer ones nothing is left at a detector's size."""


def _each(examined: Examined, text: Callable[[Image, Record], str | None]) -> Iterator[Hit]:
    """A hit for each readable image of which there is something to say."""
    for index, image in enumerate(examined.data.images):
        record = examined.record(index)
        if record is not None and (said := text(image, record)):
            yield Hit(f"{examined.data.name(image.path)}: {said}", index)


def _missing(examined: Examined) -> Iterator[Hit]:
    for index, image in enumerate(examined.data.images):
        if examined.record(index) is None:
            is_absolute = image.written.startswith("/")
            name = image.written if is_absolute else examined.data.name(image.path)
            if image.source.is_file():
                name = f"{examined.data.name(image.source)} lists {name}"
            yield Hit(name, index)


def _empty(examined: Examined) -> Iterator[Hit]:
    return _each(examined, lambda _, record: "0 bytes" if record.size == 0 else None)


def _unreadable(examined: Examined) -> Iterator[Hit]:
    return _each(examined, lambda _, record: record.error if record.size else None)


def _too_long(examined: Examined) -> Iterator[Hit]:
    return _each(examined, _length)


def _length(_: Image, record: Record) -> str | None:
    """The sides of an image that is too long; None if it is not."""
    short, long = sorted((record.width, record.height))
    return f"{record.width}×{record.height}" if long > _LONGEST * short > 0 else None


def _unusual_values(examined: Examined) -> Iterator[Hit]:
    return _each(examined, lambda _, record: record.values)


def _without_end(examined: Examined) -> Iterator[Hit]:
    return _each(examined, lambda _, record: "no end marker (FF D9)" if record.lacks_end else None)


def _without_size(examined: Examined) -> Iterator[Hit]:
    """Only where the layout has sizes at all."""
    if not any(image.width for image in examined.data.images):
        return iter(())
    return _each(examined, lambda image, _: None if image.width and image.height else "no size")


def _swapped(examined: Examined) -> Iterator[Hit]:
    return _each(
        examined,
        lambda image, record: (
            _differing(image, record)
            if written_size(image) == (record.height, record.width)
            else None
        ),
    )


def _other_size(examined: Examined) -> Iterator[Hit]:
    return _each(examined, _differing)


def _differing(image: Image, record: Record) -> str | None:
    """Says how an image's size differs from what its annotation says; None if it does not."""
    written = written_size(image)
    if written is None or written == (record.width, record.height):
        return None
    return (
        f"the annotation says {written[0]}×{written[1]}, the image has "
        f"{record.width}×{record.height}"
    )


def _take_size(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Gives images the sizes of their files."""
    return sized(examined, {hit.image for hit in hits if hit.image is not None})


def sized(examined: Examined, indices: set[int]) -> Examined:
    """Gives some images, by index, the sizes of their files."""
    images = list(examined.data.images)
    for index in indices:
        if record := examined.record(index):
            images[index] = replace(images[index], width=record.width, height=record.height)
    return examined.with_data(replace(examined.data, images=tuple(images)))


def _scale_or_drop(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Scales the boxes of an image that was scaled; leaves out what was cut or is another."""
    corners = examined.data.boxes.corners.copy()
    others = []
    for hit in hits:
        assert hit.image is not None
        written = written_size(examined.data.images[hit.image])
        record = examined.record(hit.image)
        assert record is not None
        assert written is not None
        across, down = record.width / written[0], record.height / written[1]
        if abs(across / down - 1) > _RATIO_TOLERANCE:
            others.append(hit)
        else:
            corners[examined.data.boxes.image == hit.image] *= [across, down, across, down]
    scaled = _take_size(with_corners(examined, corners), hits)
    return drop_images(scaled, others)


def _without_boxes(examined: Examined) -> Iterator[Hit]:
    for index in np.flatnonzero(examined.data.boxes_per_image() == 0).tolist():
        yield Hit(examined.data.name(examined.data.images[index].path), index)


def _unlisted(examined: Examined) -> Iterator[Hit]:
    for path in examined.data.unlisted:
        yield Hit(examined.data.name(path))


FILES = (
    Rule("image-missing", "error", "image that is listed and not there",
         _missing, drop_images, "left out"),
    Rule("image-empty", "error", "image file without content",
         _empty, drop_images, "left out"),
    Rule("image-unreadable", "error", "image that cannot be read",
         _unreadable, drop_images, "left out"),
    Rule("image-too-long", "warning", f"image more than {_LONGEST} times as long as it is wide",
         _too_long, drop_images, "left out"),
    Rule("image-values", "warning", "image whose values use little of their range, and are scaled",
         _unusual_values),
    Rule("image-without-end", "warning", "JPEG that lacks its end: look whether it is whole",
         _without_end),
)  # fmt: skip
SIZES = (
    Rule("size-missing", "warning", "annotation without the image's size",
         _without_size, _take_size, "size taken from the image"),
    Rule("size-swapped", "error", "width and height of the image are swapped in the annotation",
         _swapped, _take_size, "size taken from the image"),
    Rule("size-differs", "error", "image of another size than the annotation says",
         _other_size, _scale_or_drop,
         "boxes scaled with the image, or left out where the ratio differs too"),
)  # fmt: skip
REST = (
    Rule("image-without-boxes", "note", "image without boxes: trained on as background",
         _without_boxes),
    Rule("image-unlisted", "note", "image that no annotation or list names: not used", _unlisted),
)  # fmt: skip
