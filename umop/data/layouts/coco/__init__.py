"""COCO's JSON: one file, or one for each split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from umop.data.dataset import SPLITS, Builder, Notation
from umop.data.files.names import relative_name
from umop.data.files.outline import entries
from umop.data.files.tree import Files
from umop.data.layouts.coco.annotations import PARTS, read_annotation_file
from umop.data.layouts.layout import Layout

BESIDE = ("captions_", "person_keypoints_", "image_info_", "panoptic_", "stuff_")
"""The starts of names of COCO's own files that list the images of ``instances_…`` once more."""
_NAMED_LIKE_IT = ("coco", "instances", "annotation")


def _find(files: Files) -> list[Path]:
    """The annotation files; of COCO's own, only those of boxes of all classes."""
    outlines = {path: files.outline(path) for path in files.matching(".json")}
    found = [path for path, content in outlines.items() if _is_coco(content)]
    others = [path for path in outlines if path not in found]
    broken = [path for path in others if _is_broken(path, outlines[path], bool(found))]
    found = sorted([*found, *broken])
    is_cocos_own = any(path.name.startswith("instances_") for path in found)
    return [path for path in found if not (is_cocos_own and path.name.startswith(BESIDE))]


def _is_coco(content: Any) -> bool:
    """Whether a JSON file's outline is COCO's: lists of images, or of annotations of images."""
    if not isinstance(content, dict):
        return False
    if all(isinstance(content.get(part), list) for part in PARTS):
        return True
    return any("file_name" in each for each in entries(content, "images")) or any(
        "image_id" in each for each in entries(content, "annotations")
    )


def _is_broken(path: Path, content: Any, has_others: bool) -> bool:
    """Whether a file that is not COCO's has the name of one, so that a person takes it for one."""
    if path.stem in SPLITS:
        return not content or has_others
    return not content and any(word in path.stem.casefold() for word in _NAMED_LIKE_IT)


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all annotation files."""
    for path in found:
        read_annotation_file(path, files.split_of_list(path), _Finder(path, files), builder)


@dataclass(frozen=True)
class _Finder:
    """Finds the images of an annotation file among those of its data set.

    Attributes:
        path: The annotation file.
        files: The files of the data set.
    """

    path: Path
    files: Files

    @cached_property
    def folders(self) -> list[str]:
        """Where the images may lie, relative to the root, likeliest first."""
        last = self.path.stem.rpartition("_")[2]
        here = self.path.parent.relative_to(self.files.root)
        below = [last, f"images/{last}", "", "images"]
        nearest = ["", *below] if self.path.stem == "_annotations.coco" else below
        folders = [parent / name for name in nearest for parent in (here, here.parent)]
        return [folder.as_posix().removeprefix(".") for folder in (*folders, *map(Path, below))]

    def __call__(self, names: Sequence[str]) -> Path:
        """The image's path; where none was found, the place where it should be.

        Args:
            names: Its names in the file, the best first.
        """
        found = (self.files.image(name, self.folders) for name in names)
        expected = self.files.root / self.expected / relative_name(names[0])
        return next(filter(None, found), expected)

    @cached_property
    def expected(self) -> str:
        """The likeliest folder of those that are there."""
        there = (folder for folder in self.folders if (self.files.root / folder).is_dir())
        return next(there, "")


LAYOUT = Layout(
    name="COCO JSON",
    looks_for="COCO JSON (such as train.json and val.json, or _annotations.coco.json)",
    notation=Notation("corner and size", "annotation"),
    find=_find,
    read=_read,
)
