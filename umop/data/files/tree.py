"""The files of a data set, found however an annotation writes their names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from umop.data.files.names import (
    base,
    folded,
    folder,
    is_image,
    join_name,
    parts_of,
    place_of,
    relative_name,
    split_in,
    stem,
    suffix,
    unread_format,
)
from umop.data.files.outline import is_telling, outline
from umop.data.files.pairing import Pairs
from umop.data.files.reading import HEAD, head, is_file, require_utf8, root_tag
from umop.data.files.splits import FolderSplits
from umop.data.files.walk import walk

_ENOUGH = 2**24
_TAG_HEAD = 4096
_TEXTS = (".json", ".jsonl", ".xml", ".txt", ".csv", ".tsv", ".yaml", ".yml")
"""Suffixes of annotations, which no image has."""
_SETTINGS = (".yaml", ".yml")
"""Those of files that hold no boxes."""


class Files:
    """The files below a folder.

    Names are compared without regard to case and to how Unicode composes their letters (macOS
    takes umlauts apart) where no file has the exact name.

    Args:
        root: The folder.

    Raises:
        UserError: A folder cannot be listed, or a name is not UTF-8.

    Attributes:
        root: The folder.
        names: All names, relative to the root.
        suffixes: How many files have a suffix.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._links: dict[str, str] = {}
        self.names = list(walk(root, self._links))
        require_utf8((str(root), *self.names))
        self._by_suffix: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            self._by_suffix[suffix(name)].append(name)
        self.suffixes = Counter({each: len(names) for each, names in self._by_suffix.items()})
        self._exact = frozenset(self.names)
        self._folded = {folded(name): name for name in self.names}
        self._outlines: dict[Path, Any] = {}
        self._pairs: dict[str, Pairs] = {}
        self._root_tags: dict[Path, str | None] = {}
        self.split_of_folder = cache(self._split_of_folder)

    def path(self, name: str) -> Path:
        """The path of a file that is known by its name."""
        return self.root / name

    def name(self, path: Path) -> str:
        """A path as a name: relative to the root where it is inside."""
        text, start = str(path), f"{self.root}/"
        return text[len(start) :] if text.startswith(start) else text

    def has(self, path: Path) -> bool:
        """Whether a file is there, inside of the root or not."""
        return self.name(path) in self._exact or is_file(path)

    def matching(self, *suffixes: str) -> list[Path]:
        """The files with one of some suffixes, by name."""
        found = (name for each in suffixes for name in self._by_suffix.get(each, ()))
        return [self.root / name for name in sorted(found)]

    def images(self, below: Path | None = None) -> list[Path]:
        """The images, all or those below a folder, by name."""
        if below is None:
            return self._images
        own = self.path(self._behind_links(self.name(below)))
        return [path for path in self._images if path.is_relative_to(own)]

    @cached_property
    def _images(self) -> list[Path]:
        return [self.root / name for name in sorted(self._image_names)]

    @cached_property
    def _image_names(self) -> list[str]:
        """The images, without those in a format that is not read and that were converted."""
        readable = [name for name in self.names if is_image(name)]
        unread = [name for name in self.names if unread_format(name)]
        places = {place_of(name) for name in readable} if unread else set()
        return readable + [name for name in unread if place_of(name) not in places]

    @cached_property
    def by_stem(self) -> Mapping[str, Sequence[str]]:
        """The names of images by their last part, with and without suffix."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._image_names:
            last = base(name)
            for key in dict.fromkeys((last, stem(last))):
                found[key].append(name)
        return found

    @cached_property
    def image_folders(self) -> frozenset[str]:
        """The names of the folders that hold images, folded."""
        folders = {folder(name) for name in self._image_names}
        return frozenset(folded(part) for each in folders for part in each.split("/") if part)

    @cached_property
    def _by_path_stem(self) -> dict[str, str]:
        return {folded(stem(name)): name for name in self._image_names}

    def pairs(self, kind: str) -> Pairs:
        """Pairs the images with the files that have their names, and a suffix."""
        if kind not in self._pairs:
            others = self._by_suffix.get(kind, ())
            self._pairs[kind] = Pairs(self._image_names, others, self._aliases)
        return self._pairs[kind]

    def named(self, name: str) -> Path | None:
        """The file of a name relative to the root, None if there is none."""
        name = self._behind_links(name)
        if name in self._exact:
            return self.root / name
        found = self._folded.get(folded(name))
        return None if found is None else self.root / found

    def _behind_links(self, name: str) -> str:
        """A name in the folder that is meant, where one is a link to another of the data set."""
        if not self._links or name.startswith("/"):
            return name
        here = ""
        for part in name.split("/"):
            here = f"{here}/{part}".lstrip("/")
            here = self._links.get(here, here)
        return here

    @cached_property
    def _links_to(self) -> Mapping[str, Sequence[str]]:
        """The names of the links to each folder that has some."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, real in self._links.items():
            found[real].append(name)
        return found

    def _aliases(self, name: str) -> Sequence[str]:
        """A file's name in the links to the innermost of its folders that has some."""
        here, _, last = name.rpartition("/")
        return [f"{each}/{last}" for each in self._aliases_of_folder(here)]

    def _aliases_of_folder(self, name: str) -> Sequence[str]:
        """A folder's name in the links to it, or to the innermost around it that has some."""
        here = name if self._links else ""
        while here and here not in self._links_to:
            here = folder(here)
        return [f"{link}{name[len(here) :]}" for link in self._links_to.get(here, ()) if here]

    def image(self, written: str, folders: Iterable[str] = ("",)) -> Path | None:
        """Finds the image that an annotation names.

        Args:
            written: The name in the annotation: relative or absolute, with either slash, with or
                without the suffix.
            folders: Where to look first, relative to the root.

        Returns:
            Its file; None where none has the name and at least its last folder, or lies in one of
            the folders to look in. What has only the last part of the name may be another image:
            see :func:`umop.data.files.found.found_by_name`.
        """
        name = written.strip().replace("\\", "/")
        for start in folders:
            if found := self._image(join_name(start, name)) or self._without_suffix(start, name):
                return found
        parts = parts_of(name)
        for first in range(len(parts) - 1 if is_image(name) else 0):
            if found := self._image("/".join(parts[first:])):
                return found
        if name.startswith("/") and is_image(name) and is_file(Path(name)):
            return Path(name)
        return None

    def image_or_expected(self, written: str, folders: Sequence[str] = ("", "images")) -> Path:
        """An image's path; where none was found, the place where it should be.

        Args:
            written: The name in the annotation.
            folders: Where to look first, relative to the root; the likeliest that is there is
                where the image should be.
        """
        if found := self.image(written, folders):
            return found
        likely = next((each for each in folders if each and (self.root / each).is_dir()), "")
        return self.root / likely / relative_name(written.strip())

    def of_bucket(self, address: str, source: Path) -> Path:
        """An image by its address in a bucket, whose name and folders are not those on this disk.

        Args:
            address: Without its scheme: ``bucket/folder/a.jpg``.
            source: The annotation file that names it.
        """
        near = self.near(source)
        return self.image(address, near) or self.image_or_expected(base(address), near)

    def folder_of(self, path: Path) -> str:
        """The folder of a file, relative to the root: nothing for the root itself."""
        return folder(self.name(path))

    def split_of(self, path: Path) -> str | None:
        """The split that a file's folders say, such as ``valid/a.jpg``; None if none does."""
        is_inside = path.is_relative_to(self.root)
        return self.split_of_folder(self.folder_of(path)) if is_inside else None

    def _split_of_folder(self, name: str) -> str | None:
        """The split that a folder says, or one around it; or else what all links to it say."""
        own, *others = map(self.splits.of, (name, *self._aliases_of_folder(name)))
        return own or (others[0] if len(set(others)) == 1 else None)

    def split_of_list(self, path: Path) -> str | None:
        """The split that the name of an annotation file says, or its folders."""
        return split_in(path.stem) or self.split_of(path)

    @cached_property
    def splits(self) -> FolderSplits:
        """Which split the folders say that hold images or annotations."""
        kinds = (each for each in _TEXTS if each not in _SETTINGS)
        texts = (name for each in kinds for name in self._by_suffix.get(each, ()))
        return FolderSplits({*map(folder, (*self._image_names, *texts)), *self._links})

    def near(self, source: Path) -> tuple[str, ...]:
        """The folders in which the images of an annotation file lie, likeliest first."""
        here = self.folder_of(source)
        return tuple(dict.fromkeys((here, join_name(here, "images"), "images", "")))

    def _image(self, name: str) -> Path | None:
        """The file of a name relative to the root that may be an image."""
        return None if suffix(name) in _TEXTS else self.named(name)

    def _without_suffix(self, start: str, name: str) -> Path | None:
        """The image in a folder whose name lacks its suffix in the annotation."""
        found = self._by_path_stem.get(folded(join_name(start, name)))
        return None if found is None else self.root / found

    def outline(self, path: Path) -> Any:
        """The structure of a JSON file, see :func:`umop.data.files.outline.outline`."""
        if path not in self._outlines:
            found = outline(head(path))
            if not is_telling(found) and path.stat().st_size > HEAD:
                found = outline(head(path, _ENOUGH))
            self._outlines[path] = found
        return self._outlines[path]

    def root_tag(self, path: Path) -> str | None:
        """The name of an XML file's outermost element; None where it is not XML."""
        if path not in self._root_tags:
            self._root_tags[path] = root_tag(head(path, _TAG_HEAD))
        return self._root_tags[path]
