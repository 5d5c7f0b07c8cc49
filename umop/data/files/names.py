"""What the names of files and folders say."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

from serving.shared import IMAGE_SUFFIXES

_UNREAD_IMAGES = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    ".avif": "AVIF",
    ".jxl": "JPEG XL",
    **dict.fromkeys((".jp2", ".j2k"), "JPEG 2000"),
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"), "a camera's raw file"
    ),
    ".psd": "Photoshop's",
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm"), "PPM"),
    **dict.fromkeys((".dcm", ".dicom"), "DICOM"),
    **dict.fromkeys((".exr", ".hdr"), "an HDR image"),
}
"""Formats of images that are not read, by suffix, as messages call them."""
SYSTEM_FOLDERS = (
    *(".", "__MACOSX", "@eaDir", "lost+found"),
    *("$RECYCLE.BIN", "System Volume Information"),
)
"""The starts of names of folders that are a system's own: hidden ones, previews, what was lost."""
SPLIT_WORDS = {
    "train": ("train", "training", "trainval", "trainset"),
    "val": ("val", "valid", "validation", "validate", "eval", "valset"),
    "test": ("test", "testing", "testset"),
}
_IMAGES = (
    "image images img imgs pic pics picture pictures photo photos jpegimages jpegs jpeg jpg png "
    "bmp tif tiff frame frames data dataset upload"
)
_ANNOTATIONS = (
    "label labels lbl lbls labeltxt annotation annotations ann anns anno annos annot annots xml "
    "xmls json jsons txt txts csv csvs yolo voc coco bbox bboxes box boxes gt groundtruth obj"
)
_COMMON = frozenset(f"{_IMAGES} {_ANNOTATIONS}".split())
"""Words of folders that say what kind of file they hold, not which images."""
_OF_SPLITS = frozenset(
    ["set", "sets", "split", "splits", *(word for words in SPLIT_WORDS.values() for word in words)]
)
"""Words of splits, and those that stand beside them."""
_LETTERS = re.compile(r"[a-z]+|[^\W\d_a-z]+")
_WORD = re.compile(r"[^\W\d_]+|\d+")


def folded(name: str) -> str:
    """A name without regard to case and to how Unicode composes its letters."""
    return unicodedata.normalize("NFC", name).casefold()


def base(name: str) -> str:
    """The last part of a name, folded."""
    return folded(name.rpartition("/")[2])


def folder(name: str) -> str:
    """A name without its last part."""
    return name.rpartition("/")[0]


def stem(name: str) -> str:
    """A name without its suffix."""
    return name.rpartition(".")[0] or name


def suffix(name: str) -> str:
    """The suffix of a name, in small letters; nothing where it has none."""
    before, dot, after = name.rpartition("/")[2].rpartition(".")
    return f".{after.casefold()}" if before and dot else ""


def join_name(start: str, name: str) -> str:
    """A name in a folder, without ``.`` and ``..`` where they can be resolved."""
    return os.path.normpath(f"{start}/{name}" if start else name)


def parts_of(name: str) -> list[str]:
    """The folders and the last part of a name with either slash."""
    parts = name.strip().replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", ".", "..")]


def relative_name(name: str) -> str:
    """A name as one inside of a folder: with forward slashes, and relative if it is absolute."""
    return name.replace("\\", "/").lstrip("/")


def without_scheme(address: str) -> str:
    """An address's bucket and path; a path stays as it is."""
    return address.partition("://")[2] or address


def is_image(name: str) -> bool:
    """Whether a name is that of an image that can be read."""
    return name.casefold().endswith(IMAGE_SUFFIXES)


def unread_format(name: str) -> str | None:
    """The format of an image that cannot be read, by its suffix; None for another file."""
    dot = name.rpartition(".")
    return _UNREAD_IMAGES.get(f".{dot[2].casefold()}") if dot[1] else None


def place_of(name: str) -> str:
    """A name without suffix and without folders of a format, such as ``jpg/`` beside ``ppm/``."""
    formats = (*IMAGE_SUFFIXES, *_UNREAD_IMAGES)
    *folders, last = folded(stem(name)).split("/")
    return "/".join([part for part in folders if f".{part}" not in formats] + [last])


def split_in(name: str) -> str | None:
    """The split that one of a name's words is."""
    words = re.findall(r"[a-z]+", name.casefold())
    known = ((split, word) for split, names in SPLIT_WORDS.items() for word in names)
    return next((split for split, word in known if word in words), None)


def other_words(name: str) -> tuple[str, ...]:
    """The words of a folder's name that are no split's, and say more than a kind of file."""
    words = _LETTERS.findall(folded(name))
    return tuple(word for word in words if word not in _COMMON | _OF_SPLITS)


def essence(parts: Iterable[str]) -> tuple[str, ...]:
    """What tells a folder from others: ``labels/train`` has ``train``, ``valid/images2`` ``val 2``.

    Args:
        parts: The names of the folder and of those around it.
    """
    split_words = {word: split for split, words in SPLIT_WORDS.items() for word in words}
    kept = []
    for part in parts:
        words = (split_words.get(word, word) for word in _WORD.findall(folded(part)))
        kept.append(" ".join(word for word in words if word not in _COMMON))
    return tuple(part for part in kept if part)


def contradict(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two folders, by their :func:`essence`, are of different images.

    ``dogs`` and ``cats`` are; ``dogs`` and a folder without a name of its own are not.
    """
    first, second = set(one), set(other)
    return bool(first - second) and bool(second - first)
