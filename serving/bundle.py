"""The bundle: all that passes from training to serving.

A bundle is a folder, or the same files in one zip: `manifest.json` beside the model files it
lists with their SHA-256. Nothing in it is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[1] = 1
MANIFEST_MAX_BYTES = 4 * 2**20
MOST_SHRUNK = 20

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class BundleError(Exception):
    """The bundle cannot be used; the message is one line that says why."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(_Record):
    """A width and a height in pixels."""

    width: PositiveInt
    height: PositiveInt


class InputSpec(_Record):
    """How a picture becomes the model's input.

    Attributes:
        mean: Subtracted per channel, RGB order, on the 0–255 scale.
        std: Divides per channel after the mean is subtracted.
        resize: The picture is scaled, ratio kept, to fit this box or its transpose.
        max_scale: The picture is never scaled by more than this; None for no such limit.
        pad_divisor: Width and height are zero-padded, right and bottom, to a multiple of this.
        sizes: The only input sizes the graph takes; None for any multiple of `pad_divisor`.
    """

    mean: tuple[float, float, float]
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    resize: Size
    max_scale: PositiveFloat | None = None
    pad_divisor: PositiveInt = 32
    sizes: tuple[Size, ...] | None = None

    @field_validator("sizes")
    @classmethod
    def _not_empty(cls, sizes: tuple[Size, ...] | None) -> tuple[Size, ...] | None:
        if sizes is not None and not sizes:
            raise ValueError("lists no size; use null for any size")
        return sizes


class PostprocessSpec(_Record):
    """How the model's candidates become detections.

    Attributes:
        candidate_threshold: Class probability, baked into the graph, that a candidate exceeds.
        candidates_per_level: Most candidates the graph keeps from one pyramid level.
        iou_threshold: Of two boxes of one class that overlap more, the lower score goes.
        max_detections: Most detections in one picture.
        score_threshold: Lowest score that is reported when a request names none.
    """

    candidate_threshold: Fraction = 0.05
    candidates_per_level: PositiveInt = 1000
    iou_threshold: Fraction = 0.6
    max_detections: PositiveInt = 100
    score_threshold: Fraction = 0.3


Precision = Literal["fp32", "fp16", "int8"]


class FileEntry(_Record):
    """Digest and size of one file of the bundle."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Manifest(_Record):
    """What a bundle holds; the content of `manifest.json`.

    Attributes:
        precision: The network's arithmetic.
        ap_loss: How much COCO AP (0–1) that precision costs against the checkpoint; None for fp32.
        metrics: Measured on the test data, with this precision.
        absent: Model files that the bundle does not have, and why.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: Name
    version: Name
    created: AwareDatetime
    classes: tuple[str, ...]
    input: InputSpec
    postprocess: PostprocessSpec = PostprocessSpec()
    precision: Precision = "fp32"
    ap_loss: float | None = None
    metrics: dict[str, float] = {}
    provenance: dict[str, Any] = {}
    files: dict[str, FileEntry] = {}
    absent: dict[str, str] = {}

    @field_validator("classes")
    @classmethod
    def _unique_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if not classes or len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("must be one or more different, non-empty names")
        return classes

    @field_validator("files")
    @classmethod
    def _inside_the_bundle(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name:
                raise ValueError(f"{name!r} is not a plain relative path")
        return files

    @model_validator(mode="after")
    def _sizes_divisible(self) -> Manifest:
        divisor = self.input.pad_divisor
        for size in self.input.sizes or ():
            if size.width % divisor or size.height % divisor:
                raise ValueError(
                    f"input size {size.width}x{size.height} is no multiple of {divisor}"
                )
        return self

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Reads `manifest.json`.

        Raises:
            BundleError: The text is no manifest that this version reads.
        """
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise BundleError(f"{MANIFEST} is not JSON: {error}") from error
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        if version != SCHEMA_VERSION:
            raise BundleError(
                f"{MANIFEST} has schema version {version!r}; this program reads {SCHEMA_VERSION}"
            )
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BundleError(f"{MANIFEST}: {where}: {first['msg']}") from error


class Bundle:
    """A checked bundle, in a folder or a zip.

    Attributes:
        path: The folder or the zip.
        manifest: Its manifest.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Opens a bundle and checks every file's size and SHA-256.

        Args:
            path: The bundle's folder or zip.

        Raises:
            BundleError: It is missing, damaged, or of another schema version.
        """
        path = Path(path)
        try:
            bundle = cls(path, Manifest.parse(_read(path, MANIFEST, MANIFEST_MAX_BYTES)))
            bundle._check_zip()
            for name, entry in bundle.manifest.files.items():
                bundle._check(name, entry)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise BundleError(f"{path}: {_reason(path, error)}") from error
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from error
        return bundle

    @classmethod
    def write(cls, folder: str | Path, manifest: Manifest) -> Bundle:
        """Writes `manifest.json` into a folder that holds the model's files.

        The manifest's `files` is filled with the digest of every file in the folder.
        """
        folder = Path(folder)
        entries = {
            path.relative_to(folder).as_posix(): _describe(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != folder / MANIFEST
        }
        manifest = Manifest.model_validate({**manifest.model_dump(), "files": entries})
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return cls.open(folder)

    def pack(self, target: str | Path) -> Path:
        """Writes the bundle as one uncompressed zip at `target`."""
        with zipfile.ZipFile(target, "w") as archive:
            for name in (MANIFEST, *self.manifest.files):
                archive.writestr(name, _read(self.path, name, None))
        return Path(target)

    def read(self, name: str) -> bytes:
        """Returns the content of a listed file.

        Raises:
            BundleError: The bundle has no such file.
        """
        entry = self.manifest.files.get(name)
        if entry is None:
            reason = self.manifest.absent.get(name)
            raise BundleError(f"{self.path}: holds no {name}{f' ({reason})' if reason else ''}")
        return _read(self.path, name, entry.bytes)

    def _check_zip(self) -> None:
        """Raises `BundleError` if it is a zip of anything but the listed files, or a bomb."""
        if self.path.is_dir():
            return
        with zipfile.ZipFile(self.path) as archive:
            members = archive.infolist()
        strangers = {member.filename for member in members} - {MANIFEST, *self.manifest.files}
        if strangers:
            raise BundleError(f"it holds {min(strangers)!r}, which its manifest does not list")
        unpacked = sum(member.file_size for member in members)
        if unpacked > MOST_SHRUNK * self.path.stat().st_size:
            raise BundleError(
                f"it unpacks to {unpacked} bytes, more than {MOST_SHRUNK} times its own size"
            )

    def _check(self, name: str, entry: FileEntry) -> None:
        with _opened(self.path, name) as (stream, size):
            if size != entry.bytes:
                raise BundleError(f"{name} has {size} bytes, the manifest says {entry.bytes}")
            if _sha256(stream) != entry.sha256:
                raise BundleError(f"{name} is damaged: its SHA-256 is not the manifest's")


@contextmanager
def _opened(bundle: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    if bundle.is_dir():
        path = bundle / name
        with path.open("rb") as stream:
            yield stream, path.stat().st_size
        return
    with zipfile.ZipFile(bundle) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            raise FileNotFoundError(2, "No such file in the zip", name) from None
        with archive.open(info) as stream:
            yield stream, info.file_size  # type: ignore[misc]  # IO[bytes], read only here


def _read(bundle: Path, name: str, limit: int | None) -> bytes:
    with _opened(bundle, name) as (stream, size):
        if limit is not None and size > limit:
            raise BundleError(f"{name} has {size} bytes, more than {limit}")
        return stream.read()


def _describe(path: Path) -> FileEntry:
    with path.open("rb") as stream:
        return FileEntry(sha256=_sha256(stream), bytes=path.stat().st_size)


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def _reason(path: Path, error: Exception) -> str:
    if not path.exists():
        return "no such bundle"
    if isinstance(error, FileNotFoundError):
        return f"not a bundle: it has no {Path(str(error.filename)).name}"
    if isinstance(error, zipfile.BadZipFile):
        return f"not a bundle: neither a folder nor a sound zip ({error})"
    return str(error)
