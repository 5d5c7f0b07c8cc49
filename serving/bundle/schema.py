"""The schema of a bundle's ``manifest.json``."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from serving.schemas.names import LARGEST_WINDOW, SMALLEST_WINDOW, Precision

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[1] = 1
_MAX_INPUT_PIXELS = 2**25
"""Of the model's input: 400 MB as float32, beyond what any published detector takes."""
_MAX_PAD_DIVISOR = 1024

_Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(_Record):
    """A width and a height in pixels."""

    width: PositiveInt
    height: PositiveInt


class InputSpec(_Record):
    """How an image becomes the model's input.

    Attributes:
        mean: Subtracted per channel, RGB order, on the 0–255 scale.
        std: Divides per channel after the mean is subtracted.
        resize: The image is scaled, ratio kept, to fit this box or its transpose.
        max_scale: The image is never scaled by more than this; None for no such limit.
        pad_divisor: Width and height are zero-padded, right and bottom, to a multiple of this.
        sizes: The only input sizes the graph takes; None for any multiple of ``pad_divisor``.
    """

    mean: tuple[float, float, float]
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    resize: Size
    max_scale: PositiveFloat | None = None
    pad_divisor: Annotated[int, Field(ge=1, le=_MAX_PAD_DIVISOR)] = 32
    sizes: tuple[Size, ...] | None = None

    @field_validator("sizes")
    @classmethod
    def _not_empty(cls, sizes: tuple[Size, ...] | None) -> tuple[Size, ...] | None:
        if sizes is not None and not sizes:
            raise ValueError("lists no size; use null for any size")
        return sizes

    @model_validator(mode="after")
    def _input_is_bounded(self) -> InputSpec:
        for size in (self.resize, *(self.sizes or ())):
            pixels = self._padded(size.width) * self._padded(size.height)
            if pixels > _MAX_INPUT_PIXELS:
                name = f"{size.width}x{size.height}"
                raise ValueError(f"an input of {name} has more than {_MAX_INPUT_PIXELS} pixels")
        return self

    def _padded(self, side: int) -> int:
        return -(-side // self.pad_divisor) * self.pad_divisor


class PostprocessSpec(_Record):
    """How the model's candidates become detections.

    Attributes:
        candidate_threshold: Class probability, baked into the graph, that a candidate exceeds.
        candidates_per_level: Most candidates the graph keeps from one pyramid level.
        iou_threshold: Of two boxes of one class that overlap more, the lower score goes.
        max_detections: Most detections in one image.
        score_threshold: Lowest score that is reported when a request names none.
        class_thresholds: The same for single classes, by name, in place of ``score_threshold``.
    """

    candidate_threshold: _Fraction = 0.05
    candidates_per_level: PositiveInt = 1000
    iou_threshold: _Fraction = 0.6
    max_detections: PositiveInt = 100
    score_threshold: _Fraction = 0.3
    class_thresholds: dict[str, _Fraction] = {}


class TileSpec(_Record):
    """How an image that is larger than a window is cut into windows, and their boxes merged.

    Attributes:
        window: Side of a window in pixels of the image; each is then scaled as an image is.
        overlap: Least pixels that neighbours share, so that objects up to this size are whole in
            one of them.
        merge_iou: Boxes of two windows that overlap by more are of one object.
    """

    window: Annotated[int, Field(ge=SMALLEST_WINDOW, le=LARGEST_WINDOW)]
    overlap: PositiveInt
    merge_iou: Annotated[float, Field(gt=0, lt=1)] = 0.5

    @model_validator(mode="after")
    def _overlap_fits(self) -> TileSpec:
        least, most = self.window // 16, self.window // 2
        if not least <= self.overlap <= most:
            raise ValueError(f"overlap must be from {least} to {most} for windows of {self.window}")
        return self


class FileEntry(_Record):
    """Digest and size of one file of the bundle."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Manifest(_Record):
    """What a bundle holds; the content of ``manifest.json``.

    Attributes:
        tiles: How large images are cut into windows; None where they are taken whole.
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
    tiles: TileSpec | None = None
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
            plain = name.isprintable() and "\\" not in name
            if not plain or path.is_absolute() or ".." in path.parts or str(path) != name:
                raise ValueError(f"{name!r} is not a plain relative path")
        return files

    @model_validator(mode="after")
    def _thresholds_are_of_classes(self) -> Manifest:
        unknown = self.postprocess.class_thresholds.keys() - set(self.classes)
        if unknown:
            raise ValueError(f"postprocess.class_thresholds: there is no class {min(unknown)!r}")
        return self

    def lowest_scores(self) -> tuple[float, ...]:
        """Of each class, the lowest score that is reported when a request names none."""
        spec = self.postprocess
        return tuple(spec.class_thresholds.get(name, spec.score_threshold) for name in self.classes)

    @model_validator(mode="after")
    def _sizes_divisible(self) -> Manifest:
        divisor = self.input.pad_divisor
        for size in self.input.sizes or ():
            if size.width % divisor or size.height % divisor:
                raise ValueError(
                    f"input size {size.width}x{size.height} is not a multiple of {divisor}"
                )
        return self
