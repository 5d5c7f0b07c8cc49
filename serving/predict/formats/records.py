"""What was found in one image, as it is kept and written."""

from __future__ import annotations

from pydantic import BaseModel

from serving.schemas.detections import Detection, ImageInfo


class ImageRecord(BaseModel):
    """One image.

    Attributes:
        name: What the image is called.
        stamp: That of the image as it was read, see ``Item``.
        place: What its files are called, without suffix and relative to their folder.
        made: What was made of its pixels: ``draw``, ``crop``.
        image: Its size, upright.
        detections: Best first, rounded as ``POST /detect`` rounds.
    """

    name: str
    stamp: str
    place: str
    made: tuple[str, ...] = ()
    image: ImageInfo
    detections: list[Detection]
