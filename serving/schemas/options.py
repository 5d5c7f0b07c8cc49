"""Options of a request for detections."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Annotated, Literal, TypedDict

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from serving.schemas.names import LARGEST_WINDOW, SMALLEST_WINDOW
from serving.schemas.validation import first_error

OPTIONS_HEADER = "X-UMOP-Options"
"""Carries ``DetectOptions`` to TorchServe's handler, as JSON."""
UNTIL_HEADER = "X-UMOP-Until"
"""Tells TorchServe's handler when its caller leaves, in seconds since 1970."""

_SIDES = range(SMALLEST_WINDOW, LARGEST_WINDOW + 1)
_TILES_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": ["auto", "off"]},
        {"type": "integer", "minimum": SMALLEST_WINDOW, "maximum": LARGEST_WINDOW},
    ]
}


def _checked(tiles: object) -> object:
    if isinstance(tiles, str) and tiles.isascii() and tiles.isdecimal() and len(tiles) < 10:
        tiles = int(tiles)
    if isinstance(tiles, Integral) and not isinstance(tiles, bool) and tiles in _SIDES:
        return int(tiles)
    if isinstance(tiles, str) and tiles in ("auto", "off"):
        return tiles
    raise ValueError(f"must be auto, off, or pixels from {SMALLEST_WINDOW} to {LARGEST_WINDOW}")


Tiles = Annotated[
    Literal["auto", "off"] | int, BeforeValidator(_checked), WithJsonSchema(_TILES_SCHEMA)
]
"""Whether an image is looked at in windows: as the bundle says, not at all, or their side."""


class UnknownClassError(Exception):
    """The model has no class of this name."""


class InvalidOptionsError(Exception):
    """Options cannot be used where the request goes."""


class DetectOptions(BaseModel):
    """Options of one request; None leaves the model's default.

    Attributes:
        score_threshold: Lowest score to report, whatever the class.
        max_detections: Most detections to report.
        classes: Names of the classes to report.
        tiles: Whether a large image is looked at in windows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    score_threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    max_detections: Annotated[int | None, Field(ge=1, le=1000)] = None
    classes: tuple[str, ...] | None = None
    tiles: Tiles | None = None

    def class_ids(self, classes: Sequence[str]) -> frozenset[int] | None:
        """Returns the indices of the classes to report; None for all of them.

        Args:
            classes: All class names, in the model's order.

        Raises:
            UnknownClassError: A name is not among them.
        """
        if self.classes is None:
            return None
        known = {name: index for index, name in enumerate(classes)}
        unknown = next((name for name in self.classes if name not in known), None)
        if unknown is not None:
            raise UnknownClassError(f"the model has no class {unknown!r}")
        return frozenset(known[name] for name in self.classes)


class Options(TypedDict, total=False):
    """``DetectOptions`` as keyword arguments."""

    score_threshold: float | None
    max_detections: int | None
    classes: Sequence[str] | None
    tiles: Tiles | None


def parse_options(options: Options) -> DetectOptions:
    """Checks keyword arguments.

    Raises:
        ValueError: There is no such option, or it has a value that it cannot have.
    """
    try:
        return DetectOptions.model_validate(options)
    except ValidationError as error:
        raise ValueError(first_error(error, "options")) from None
