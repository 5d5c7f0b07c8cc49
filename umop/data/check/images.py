"""Rules about images: their files, their sizes, and how they are turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from serving.shared import SWAPPING_ORIENTATIONS
from umop.data.check.examined import Examined
from umop.data.check.records import Record
from umop.data.check.repairs import drop_images, with_corners
from umop.data.check.rules import Hit, Rule
from umop.data.dataset import Image

_RATIO_TOLERANCE = 0.01
_LONGEST = 100
"""The longest image, in times its width: of longer ones nothing is left at a detector's size."""
_TURNING = range(2, 9)
"""EXIF's orientations that turn or mirror; 0 is written for one that is not known."""


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


def _stored_size(record: Record) -> tuple[int, int]:
    """Width and height of the pixels as they are stored, before EXIF turns them."""
    size = (record.width, record.height)
    return size[::-1] if record.orientation in SWAPPING_ORIENTATIONS else size


def _size_of(image: Image) -> tuple[int, int] | None:
    """The size that the annotation says; None where it says none."""
    return (image.width, image.height) if image.width and image.height else None


def _unrotated(examined: Examined) -> Iterator[Hit]:
    """Images that are annotated as they are stored, not as they are shown."""
    fits_stored = _fits_only_as_stored(examined)
    for index, image in enumerate(examined.data.images):
        record = examined.record(index)
        if record is None or record.orientation not in SWAPPING_ORIENTATIONS:
            continue
        written, stored = _size_of(image), _stored_size(record)
        if stored == (record.width, record.height):
            continue
        if written == stored or (written is None and fits_stored[index]):
            yield Hit(
                f"{examined.data.name(image.path)}: EXIF turns it to "
                f"{record.width}×{record.height} (orientation {record.orientation}), the "
                f"annotation is for {stored[0]}×{stored[1]}",
                index,
            )


def _fits_only_as_stored(examined: Examined) -> NDArray[np.bool_]:
    """Images whose boxes fit the stored pixels only, bool of shape (images,)."""
    data = examined.data
    fits = np.zeros(len(data.images), np.bool_)
    if data.relative:
        return fits
    farthest = np.zeros((len(data.images), 2))
    np.maximum.at(farthest, data.boxes.image, data.boxes.corners[:, 2:])
    for index in range(len(data.images)):
        record = examined.record(index)
        if record is not None and record.orientation in SWAPPING_ORIENTATIONS:
            right, bottom = farthest[index]
            width, height = _stored_size(record)
            fits[index] = (
                right <= width + 1
                and bottom <= height + 1
                and (right > record.width + 1 or bottom > record.height + 1)
            )
    return fits


def _turn(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns the boxes as EXIF turns the image."""
    data = examined.data
    corners = data.boxes.corners.copy()
    images = list(data.images)
    for hit in hits:
        assert hit.image is not None
        record = examined.record(hit.image)
        assert record is not None
        rows = data.boxes.image == hit.image
        corners[rows] = _turned(corners[rows], record)
        image = images[hit.image]
        images[hit.image] = replace(image, width=record.width, height=record.height)
    return with_corners(examined.with_data(replace(data, images=tuple(images))), corners)


def _turned(corners: NDArray[np.float64], record: Record) -> NDArray[np.float64]:
    """Boxes on the stored pixels as boxes on the upright image, xyxy, shape (N, 4)."""
    width, height = _stored_size(record)
    x, y = corners[:, 0::2], corners[:, 1::2]
    across, down = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }[record.orientation]
    return np.column_stack([across.min(1), down.min(1), across.max(1), down.max(1)])


def _unclear_rotation(examined: Examined) -> Iterator[Hit]:
    """Images that EXIF turns, where no size says whether the boxes are turned too."""
    has_boxes = examined.data.boxes_per_image() > 0
    for index, image in enumerate(examined.data.images):
        record = examined.record(index)
        if record is None or record.orientation not in _TURNING or not has_boxes[index]:
            continue
        written = _size_of(image)
        if written is None or _stored_size(record) == (record.width, record.height):
            yield Hit(
                f"{examined.data.name(image.path)}: EXIF turns it (orientation "
                f"{record.orientation})",
                index,
            )


def _swapped(examined: Examined) -> Iterator[Hit]:
    return _each(
        examined,
        lambda image, record: (
            _differing(image, record) if _size_of(image) == (record.height, record.width) else None
        ),
    )


def _other_size(examined: Examined) -> Iterator[Hit]:
    return _each(examined, _differing)


def _differing(image: Image, record: Record) -> str | None:
    """Says how an image's size differs from what its annotation says; None if it does not."""
    written = _size_of(image)
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
        written = _size_of(examined.data.images[hit.image])
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
    Rule("exif-unrotated", "error", "boxes drawn on the image before EXIF turns it",
         _unrotated, _turn, "boxes turned with the image"),
    Rule("exif-unclear", "warning", "image that EXIF turns: look whether its boxes are turned",
         _unclear_rotation),
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
