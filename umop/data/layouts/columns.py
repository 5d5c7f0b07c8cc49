"""What the columns of a table of boxes are: by their names, or by their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from umop.data.dataset import Notation
from umop.data.files.names import SPLIT_WORDS, is_image

_IMAGE = (
    *("image", "imagepath", "imageid", "imagename", "img", "imgpath", "imgname", "imgid"),
    *("filename", "path", "filepath", "file", "imagefile"),
)
_IMAGE_BY_VALUES = ("frame", "id")
"""What is an image only where the values are names of images."""
_LABEL = (
    *("label", "class", "labelname", "classname", "name", "category", "categoryname", "target"),
    *("classid", "categoryid", "labelid"),
)
_SCORE = {"score", "confidence", "conf", "probability"}
_Sides = Mapping[str, Sequence[str]]
_CORNERS: _Sides = {
    "x1": ("x1", "xmin", "left", "bboxx1", "bboxxmin"),
    "y1": ("y1", "ymin", "top", "bboxy1", "bboxymin"),
    "x2": ("x2", "xmax", "right", "bboxx2", "bboxxmax"),
    "y2": ("y2", "ymax", "bottom", "bboxy2", "bboxymax"),
}
_SIZE: _Sides = {
    "x2": ("bboxwidth", "bboxw", "boxwidth", "boxw", "bw", "w", "width"),
    "y2": ("bboxheight", "bboxh", "boxheight", "boxh", "bh", "h", "height"),
}
_FIRST_CORNERS = ("x1", "y1", "x2", "y2")
_CORNER_AND_SIZE: _Sides = {
    "x1": ("bboxx", "boxx", "x", *_CORNERS["x1"]),
    "y1": ("bboxy", "boxy", "y", *_CORNERS["y1"]),
    **_SIZE,
}
_CENTRE_AND_SIZE: _Sides = {
    "x1": ("xcenter", "xcentre", "centerx", "centrex", "cx"),
    "y1": ("ycenter", "ycentre", "centery", "centrey", "cy"),
    **_SIZE,
}
_NUMBER = re.compile(r"[-+]?[\d.,]*(e[-+]?\d+)?|nan|none|null", re.IGNORECASE)
_FORMS: tuple[tuple[Notation, _Sides], ...] = (
    (Notation("corners", "line"), _CORNERS),
    (Notation("corner and size", "line"), _CORNER_AND_SIZE),
    (Notation("centre and size", "line"), _CENTRE_AND_SIZE),
    (Notation("corner and size", "line"), {"box": ("bbox", "boundingbox")}),
)
"""What the columns may be called, see :func:`_plain`, the clearest form first."""
_DOUBTFUL = [notation for notation, sides in _FORMS if "box" in sides or sides is _CENTRE_AND_SIZE]
_EXTRA: _Sides = {
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
    "isgroupof": ("isgroupof",),
    "split": ("split", "subset", "set", "partition"),
    "folder": ("folder",),
    "person": ("radid",),
}
_OF_EITHER = ("w", "width")
"""What the columns of an image's size are called as well as those of a box's."""
_WITHOUT_HEADER = (
    (Notation("corners", "line"), ("image", "x1", "y1", "x2", "y2", "label")),
    (
        Notation("corner and size", "line"),
        ("label", "x1", "y1", "x2", "y2", "image", "width", "height"),
    ),
)
"""The columns of tables without names; the second are makesense's."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        places: Where each is that is known, from 0.
        notation: How the table writes boxes: in columns ``x1`` to ``y2``, or all in ``box``.
        has_header: Whether the first row names them.
        more_corners: Where the x and y of each other corner of a polygon are, such as ``x3,y3``.
        is_size_unclear: Whether the size may be the image's, by what its columns are called.
        is_doubtful: Whether it may be no table of labels, but of what a model has found, or whether
            its boxes may be meant otherwise.
    """

    places: Mapping[str, int]
    notation: Notation
    has_header: bool
    more_corners: Sequence[tuple[int, int]] = ()
    is_size_unclear: bool = False
    is_doubtful: bool = False


def columns_of(
    rows: Sequence[Sequence[str]], is_there: Callable[[str], bool] = is_image
) -> Columns | None:
    """The columns of a table of boxes; None for another table.

    Args:
        rows: Its first rows.
        is_there: Whether a value names an image of the data set.
    """
    if not rows:
        return None
    names = [_plain(value) for value in rows[0]]
    image = _image_column(names, rows[1:], is_there)
    label = _label_column(names, rows[1:])
    for notation, sides in _FORMS if image and label else ():
        known = {"image": (image,), "label": (label,), **sides}
        if all(any(name in names for name in each) for each in known.values()):
            places = _places(names, known)
            is_unclear = "x2" in places and names[places["x2"]] in _OF_EITHER
            is_doubtful = notation in _DOUBTFUL or not _SCORE.isdisjoint(names)
            more = _more_corners(names)
            return Columns(places, notation, True, more, is_unclear, is_doubtful)
    for notation, keys in _WITHOUT_HEADER:
        if len(names) >= len(keys) and is_image(rows[0][keys.index("image")]):
            places = {key: place for place, key in enumerate(keys)}
            if not all(_NUMBER.fullmatch(rows[0][places[side]]) for side in _FIRST_CORNERS):
                continue
            return Columns(places, notation, False)
    return None


def lacks_labels(rows: Sequence[Sequence[str]], is_there: Callable[[str], bool]) -> bool:
    """Whether rows are a table of boxes but for a column of classes, see :func:`columns_of`."""
    names = [_plain(value) for value in next(iter(rows), [])]
    has_boxes = any(
        all(any(name in names for name in each) for each in sides.values()) for _, sides in _FORMS
    )
    has_labels = bool(_label_column(names, rows[1:]))
    return has_boxes and not has_labels and bool(_image_column(names, rows[1:], is_there))


def column_of_splits(columns: Columns, rows: Iterable[Sequence[str]]) -> int | None:
    """The column that is not known by its name, and all values of which are names of splits.

    Args:
        columns: The columns that are known.
        rows: The rows below the header; read until no column is left.
    """
    words = {word for known in SPLIT_WORDS.values() for word in known}
    left: set[int] | None = None
    of_training = set[int]()
    for row in rows:
        found = {place for place, value in enumerate(row) if value.casefold() in words}
        of_training |= {place for place in found if row[place].casefold() in SPLIT_WORDS["train"]}
        left = found - set(columns.places.values()) if left is None else left & found
        if not left:
            return None
    return min((left or set()) & of_training, default=None)


def _plain(name: str) -> str:
    """A column's name in small letters, and without what is between its words."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _image_column(
    names: Sequence[str], rows: Sequence[Sequence[str]], is_there: Callable[[str], bool]
) -> str:
    """The name of the column with the images; nothing where there is none."""
    candidates = [name for name in (*_IMAGE, *_IMAGE_BY_VALUES) if name in names]
    found = [
        name
        for is_one in (is_there, is_image)
        for name in candidates
        if any(map(is_one, _values(names, name, rows)))
    ]
    return next(iter([*found, *(name for name in candidates if name in _IMAGE)]), "")


def _label_column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The name of the column with the classes, one of words before one of numbers."""
    candidates = [name for name in _LABEL if name in names]
    of_words = [
        name
        for name in candidates
        if not all(value.isdecimal() for value in _values(names, name, rows))
    ]
    return next(iter([*of_words, *candidates]), "")


def _more_corners(names: Sequence[str]) -> list[tuple[int, int]]:
    """Where the corners of a polygon are, beside the first two."""
    if not set(_FIRST_CORNERS) <= set(names):
        return []
    numbers = [match[1] for name in names if (match := re.fullmatch(r"x(\d+)", name))]
    return [
        (names.index(f"x{number}"), names.index(f"y{number}"))
        for number in dict.fromkeys(numbers)
        if f"x{number}" not in _FIRST_CORNERS and f"y{number}" in names
    ]


def _values(names: Sequence[str], name: str, rows: Sequence[Sequence[str]]) -> list[str]:
    place = names.index(name)
    return [row[place] for row in rows if place < len(row)]


def _places(names: Sequence[str], known: _Sides) -> dict[str, int]:
    """Where the columns are; of those that a table may lack, none that stands for another."""
    found = {key: next(name for name in each if name in names) for key, each in known.items()}
    left = [name for name in names if name not in found.values()]
    extra = {key: [name for name in each if name in left] for key, each in _EXTRA.items()}
    found |= {key: each[0] for key, each in extra.items() if each}
    return {key: names.index(name) for key, name in found.items()}
