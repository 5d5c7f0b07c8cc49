"""The list of the files that belong together in a run's mirror."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pydantic import TypeAdapter

from serving.shared import sha256_of

MIRRORED_FILES = "files"
"""Where in a mirror the objects of files are."""


class MirroredFile(NamedTuple):
    """A file's SHA-256 and size."""

    sha256: str
    bytes: int

    def key(self, name: str) -> str:
        """The name of its object."""
        return f"{MIRRORED_FILES}/{self.sha256[:32]}/{name}"

    def is_content_of(self, path: Path) -> bool:
        """Whether a file is there and has both."""
        return (
            path.is_file() and path.stat().st_size == self.bytes and sha256_of(path) == self.sha256
        )


@dataclass(frozen=True)
class MirrorManifest:
    """What a mirror holds.

    Attributes:
        writer: Of the lease under which it was written.
        iteration: Iterations done.
        checkpoints: Names, the newest first.
        files: All files by their paths in the run's folder.
    """

    writer: str
    iteration: int
    checkpoints: tuple[str, ...]
    files: dict[str, MirroredFile]

    @classmethod
    def parse(cls, text: bytes) -> MirrorManifest:
        """Reads a manifest.

        Raises:
            ValueError: It is none, or names what is not in a run's folder.
        """
        manifest = TypeAdapter(cls).validate_json(text)
        if not all(map(_is_inside, manifest.files)):
            raise ValueError("a path leaves the folder")
        if not manifest.files.keys() >= set(manifest.checkpoints):
            raise ValueError("a checkpoint is not among the files")
        return manifest

    def keys(self) -> set[str]:
        """The names of all objects."""
        return {entry.key(name) for name, entry in self.files.items()}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name != "."
