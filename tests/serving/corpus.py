"""Requests that must be refused: each is a name, a body, headers and a path."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tests.serving.images import encode

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
NOISE = np.random.default_rng(7).integers(0, 255, (48, 64, 3)).astype(np.uint8)


@dataclass(frozen=True)
class BadRequest:
    """One request, and a name to find it by."""

    name: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/detect"


def bad_requests() -> list[BadRequest]:
    """Returns all of them, the same ones every time."""
    return [
        *_truncated(),
        *_damaged_headers(),
        *_bombs(),
        *_not_images(),
        *_polyglots(),
        *_wrong_bodies(),
        *_wrong_parameters(),
        *_wrong_headers(),
    ]


def flipped_bits() -> Iterator[tuple[str, bytes]]:
    """Images with bits flipped; a decoder may accept some of them."""
    random = np.random.default_rng(11)
    for format in FORMATS:
        good = encode(NOISE, format)
        for place in random.integers(0, 8 * len(good), 20).tolist():
            bad = bytearray(good)
            bad[place // 8] ^= 1 << place % 8
            yield f"{format} with bit {place} flipped", bytes(bad)


def _truncated() -> Iterator[BadRequest]:
    for format in FORMATS:
        good = encode(NOISE, format)
        for sixteenth in range(16):
            yield BadRequest(f"{format} cut at {sixteenth}/16", good[: len(good) * sixteenth // 16])


def _damaged_headers() -> Iterator[BadRequest]:
    for format in FORMATS:
        good = encode(NOISE, format)
        for at in (0, 1):
            yield BadRequest(f"{format} without its first {at + 1} bytes", good[at + 1 :])
        yield BadRequest(f"{format} reversed", good[::-1])
        yield BadRequest(f"{format} of zeros behind its signature", good[:4] + bytes(500))


def _bombs() -> Iterator[BadRequest]:
    for side in (8_000, 30_000, 65_535, 2**31 - 1):
        yield BadRequest(f"PNG of {side} squared", _png_header(side, side))
    for mode in ("1", "L"):
        for format in ("PNG", "GIF"):
            buffer = io.BytesIO()
            Image.new(mode, (9_000, 9_000)).save(buffer, format)
            yield BadRequest(f"{format} of 81 megapixels, {mode}", buffer.getvalue())
    jpeg = bytearray(encode(NOISE, "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xff\xff\xff"
    yield BadRequest("JPEG that says 65535 squared", bytes(jpeg))
    bmp = bytearray(encode(NOISE, "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    yield BadRequest("BMP that says 60000 squared", bytes(bmp))


def _not_images() -> Iterator[BadRequest]:
    others = {
        "nothing": b"",
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "text": b"hello",
        "html": b"<!doctype html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>',
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        "pdf": b"%PDF-1.7\n1 0 obj",
        "zip": b"PK\x03\x04" + bytes(100),
        "gzip": b"\x1f\x8b\x08" + bytes(100),
        "elf": b"\x7fELF" + bytes(100),
        "pickle": b"\x80\x04\x95\x1d\x00\x00\x00cposix\nsystem\n",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "ppm": b"P6 2 2 255\n" + bytes(12),
        "heic": b"\x00\x00\x00\x18ftypheic" + bytes(50),
        "ico": b"\x00\x00\x01\x00\x01\x00" + bytes(50),
        "mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(50),
        "riff": b"RIFF\x24\x00\x00\x00WAVE" + bytes(50),
        "noise": np.random.default_rng(3).bytes(5000),
    }
    for name, body in others.items():
        yield BadRequest(name, body)
        yield BadRequest(f"{name}, called a JPEG", body, {"Content-Type": "image/jpeg"})


def _polyglots() -> Iterator[BadRequest]:
    for name, start in (("zip", b"PK\x03\x04"), ("html", b"<html>"), ("pdf", b"%PDF-1.4\n")):
        yield BadRequest(f"{name} before a PNG", start + encode(NOISE))
        yield BadRequest(
            f"{name} after a PNG's signature", b"\x89PNG\r\n\x1a\n" + start + bytes(99)
        )
        yield BadRequest(f"{name} after a JPEG's signature", b"\xff\xd8\xff" + start + bytes(99))


def _wrong_bodies() -> Iterator[BadRequest]:
    good = base64.b64encode(encode(NOISE)).decode()
    documents: list[object] = [
        None, [], {}, 1, "image", {"image": None}, {"image": 1}, {"image": ""}, {"image": "?"},
        {"image": good[:-3] + "!"}, {"image": good, "url": "https://example.org/"},
        {"image": [good]}, {"images": good}, {"url": 1}, {"url": ""}, {"url": "file:///etc/passwd"},
        {"url": "https://127.0.0.1/"}, {"image": good, "surprise": 1}, {"image": good[:40]},
    ]  # fmt: skip
    json_type = {"Content-Type": "application/json"}
    for place, document in enumerate(documents):
        yield BadRequest(f"JSON {place}", json.dumps(document).encode(), json_type)
        several = json.dumps({"images": [document]}).encode()
        yield BadRequest(f"JSON batch {place}", several, json_type, "/detect/batch")
    for name, text in (("cut", b'{"image": "'), ("deep", b"[" * 10**5), ("latin", b'"\xff"')):
        yield BadRequest(f"JSON {name}", text, json_type)
        yield BadRequest(f"infer {name}", text, json_type, "/v2/models/squares/infer")
    for name, text in (
        ("empty", b""),
        ("cut", b"--x\r\nContent-Disposition: form-data"),
        ("none", b"--x--"),
    ):
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        yield BadRequest(f"form {name}", text, form)
    yield BadRequest("form without boundary", b"--x--", {"Content-Type": "multipart/form-data"})
    yield BadRequest(
        "form of many fields", _many_fields(), {"Content-Type": "multipart/form-data; boundary=x"}
    )


def _wrong_parameters() -> Iterator[BadRequest]:
    good = encode(NOISE)
    for query in (
        "score_threshold=2", "score_threshold=-1", "score_threshold=nan", "score_threshold=inf",
        "score_threshold=x", "max_detections=0", "max_detections=-1", "max_detections=1e9",
        "max_detections=99999999999999999999", "classes=cat", "classes=", "format=exe",
        "classes=red&classes=cat", "score_threshold=%00",
    ):  # fmt: skip
        yield BadRequest(query, good, path=f"/detect?{query}")


def _wrong_headers() -> Iterator[BadRequest]:
    good = encode(NOISE)
    for name, value in (
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/xml"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Type", "x" * 5000),
        ("Accept", "video/mp4"),
        ("Accept", "image/webp;q=nonsense"),
        ("Accept", ";" * 1000),
        ("X-Huge", "x" * 500_000),
    ):
        yield BadRequest(f"{name}: {value:.30}", good, {name: value})


def _png_header(width: int, height: int) -> bytes:
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = _chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + pixels + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _many_fields() -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    return part * 1000 + b"--x--\r\n"
