"""PNG (w3.org/TR/png-3)."""

from __future__ import annotations

from serving.inference.formats.directory import orientation
from serving.inference.formats.encoded import Encoded, ImageError, Way, unpack

_MOST_CHUNKS = 65_536
_SIGNATURE = 8
_FRAME = 12  # length, type and checksum of a chunk
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_GREY, _RGB, _RGBA = 0, 2, 6
_CHANNELS = {_GREY: 1, _RGB: 3}
_OPENCVS_SIDE = 1_000_000


def read(data: bytes) -> Encoded:
    """Reads a PNG; of an animation, the image for those who show none.

    Decoders unpack compressed texts and profiles, and OpenCV also those after the pixels.
    """
    if data[12:16] != b"IHDR":
        raise ImageError("the image's header is damaged: it does not come first")
    width, height, depth, kind = unpack(">IIBB", data, 16)
    kept = [data[:_SIGNATURE]]
    transparent, seen = False, False
    turn: int | None = None
    place = _SIGNATURE
    for _ in range(_MOST_CHUNKS):
        if place + _FRAME > len(data):
            break
        [length] = unpack(">I", data, place)
        name = data[place + 4 : place + 8]
        end = place + _FRAME + length
        if name == b"IHDR" and place > _SIGNATURE:
            raise ImageError("the image's header is damaged: it comes twice")
        if name in _PIXELS:
            kept.append(data[place:end] if end <= len(data) else _cut_off(data[place:]))
        if name == b"eXIf" and turn is None and not seen:  # there may be one, before the pixels
            turn = orientation(data[place + 8 : end - 4])
        transparent |= name == b"tRNS"
        seen |= name == b"IDAT"
        place = end
        if name == b"IEND":
            break
    else:
        raise ImageError(f"the image has more than {_MOST_CHUNKS} chunks")
    return Encoded(
        "image/png",
        width,
        height,
        b"".join(kept),
        way="pillow" if max(width, height) > _OPENCVS_SIDE else _way(depth, kind, transparent),
        orientation=turn or 1,
        sample_bytes=max(4, _CHANNELS.get(kind, 4) * depth // 8),
    )


def _cut_off(chunk: bytes) -> bytes:
    """The file's last chunk, which claims what is there of it: OpenCV makes room for the claim."""
    [claimed] = unpack(">I", chunk, 0)
    return min(claimed, len(chunk) - 8).to_bytes(4, "big") + chunk[4:]


def _way(depth: int, kind: int, transparent: bool) -> Way:
    if depth == 16 or (depth == 8 and kind == _RGBA):
        return "deep"
    return "plain" if depth == 8 and kind in (_GREY, _RGB) and not transparent else "pillow"
