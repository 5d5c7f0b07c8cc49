"""Small images that cost a careless decoder seconds, gigabytes, or both."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tests.serving.images import encode

NOISE = np.random.default_rng(7).integers(0, 255, (48, 64, 3)).astype(np.uint8)
MEGABYTE = 2**20
LARGE = 7000  # its square is nearly the 50 megapixels that are allowed


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*before: bytes, after: bytes = b"") -> bytes:
    """A PNG with chunks before and after its pixels."""
    whole = encode(NOISE)
    end = whole.index(b"IEND") - 4
    return whole[:33] + b"".join(before) + whole[33:end] + after + whole[end:]


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with segments at its start."""
    whole = encode(NOISE, "JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


def segment(marker: int, data: bytes = b"") -> bytes:
    """A segment of JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def scans(count: int, side: int) -> bytes:
    """A progressive JPEG of one colour with many scans that change nothing."""
    whole = encode(np.full((side, side), 77, np.uint8), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def directory(count: int, claimed: int, *, order: str = "<") -> bytes:
    """A directory of TIFF whose entries all claim the same bytes."""
    start = b"II*\x00" if order == "<" else b"MM\x00*"
    entries = b"".join(
        struct.pack(order + "HHII", (40_000 + number) % 2**16, 7, claimed, 8)
        for number in range(count)
    )
    return start + struct.pack(order + "IH", 8, count) + entries + bytes(4)


def tiles(width: int, height: int, *, across: int, down: int, kind: int = 4) -> bytes:
    """A compressed TIFF of grey tiles that all lie in the same bytes.

    Args:
        width: The image's.
        height: The image's.
        across: A tile's width.
        down: A tile's height.
        kind: The type of the entries that hold a tile's sides.
    """
    tile = zlib.compress(bytes(across * down), 1)
    count = -(-width // across) * -(-height // down)
    entries = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 8)}
    entries |= {262: (3, 1, 1), 322: (kind, 1, across), 323: (kind, 1, down)}
    places = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries |= {324: (4, count, places), 325: (4, count, places + 4 * count)}
    table = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in entries.items())
    arrays = [places + 8 * count] * count + [len(tile)] * count
    start = b"II*\x00" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return start + struct.pack(f"<{2 * count}I", *arrays) + tile


def jpeg_in_tiff(strip: bytes, width: int, rows: int, count: int = 1, *, step: int = 1) -> bytes:
    """A TIFF of grey strips, each the same JPEG but for ``step`` bytes less at its end.

    Args:
        strip: The JPEG of one strip.
        width: The image's.
        rows: The height of a strip.
        count: The number of strips, at least two.
        step: By how many bytes each strip is shorter than the one before.
    """
    entries = {256: (4, 1, width), 257: (4, 1, rows * count), 258: (3, 1, 8), 259: (3, 1, 7)}
    entries |= {262: (3, 1, 1), 278: (4, 1, rows)}
    places = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries |= {273: (4, count, places), 279: (4, count, places + 4 * count)}
    table = b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries))
    lengths = [len(strip) - step * number for number in range(count)]
    arrays = [places + 8 * count] * count + lengths
    start = b"II*\x00" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return start + struct.pack(f"<{2 * count}I", *arrays) + strip


def tiff(*, bits: int = 8, samples: int = 3, extra: bytes = b"", **tags: int) -> bytes:
    """An uncompressed TIFF of 64 × 48 with further tags, ``t`` and the number, of one long."""
    values = NOISE[..., :1].repeat(samples, -1).astype(f"<u{bits // 8}").tobytes()
    entries = {256: 64, 257: 48, 258: bits, 259: 1, 262: 2 if samples > 2 else 1, 273: 8}
    entries |= {277: samples, 278: 48, 279: len(values)}
    entries |= {int(name[1:]): value for name, value in tags.items()}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in sorted(entries.items()))
    place = 8 + len(values)
    return (
        b"II*\x00"
        + struct.pack("<I", place)
        + values
        + struct.pack("<H", len(entries) + len(extra) // 12)
        + table
        + extra
        + bytes(4)
    )


def bmp(data: bytes, width: int, height: int, *, compression: int = 1) -> bytes:
    """A BMP of run lengths, of 8 bits in its header; a compression of 2 is for 4."""
    palette = bytes(range(256)) * 4
    start = 54 + len(palette)
    sizes = (1, 8, compression, len(data), 0, 0, 256, 0)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, *sizes)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def gif(*extensions: bytes) -> bytes:
    """A GIF with extensions before its image."""
    whole = encode(NOISE, "GIF")
    start = 13 + (3 << (whole[10] & 7) + 1)
    return whole[:start] + b"".join(extensions) + whole[start:]


def webp(*chunks: bytes) -> bytes:
    """A WebP with further chunks at its end."""
    body = encode(NOISE, "WEBP")[8:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


TEXT = zlib.compress(bytes(30 * MEGABYTE), 9)
EXIF = b"Exif\x00\x00" + directory(5000, 60_000)[:65_000]
ENTRIES = directory(512, 1)
"""As many as are read, and none of them wrong."""

BOMBS: dict[str, bytes] = {
    "jpeg of 8 MB of fill": jpeg(b"\xff" * (8 * MEGABYTE)),
    "jpeg of junk": jpeg(b"\xff\x00" * MEGABYTE),
    "jpeg of junk without fill": jpeg(b"\x00" * (4 * MEGABYTE)),
    "jpeg of comments": jpeg(segment(0xFE) * (MEGABYTE // 4)),
    "jpeg of profiles": jpeg(segment(0xE2, b"ICC_PROFILE\x00\x01\x01") * (MEGABYTE // 16)),
    "jpeg of EXIF": jpeg(segment(0xE1, EXIF)),
    "jpeg of wrong EXIF": jpeg(*[segment(0xE1, EXIF)] * 60),
    "jpeg of many EXIF": jpeg(*[segment(0xE1, EXIF[:6] + ENTRIES)] * 1000),
    "jpeg of restarts": jpeg(b"\xff\xd0" * MEGABYTE),
    "jpeg of tables": jpeg(segment(0xDB, b"\x00" + bytes(range(1, 65))) * 20_000),
    "jpeg of frames": jpeg(segment(0xC4, b"") * (MEGABYTE // 4)),
    "jpeg of scans": scans(4000, 2000),
    "jpeg of as many scans as are allowed": scans(90, LARGE),
    "tiff of jpeg of scans": jpeg_in_tiff(scans(90, LARGE // 2), LARGE // 2, LARGE // 2, 2, step=0),
    "tiff of jpegs in the same bytes": jpeg_in_tiff(
        encode(NOISE[..., 0], "JPEG") + bytes(MEGABYTE), 64, 48, 20_000
    ),
    "png of compressed texts": png(chunk(b"zTXt", b"a\x00\x00" + TEXT) * 40),
    "png of texts after its pixels": png(after=chunk(b"zTXt", b"a\x00\x00" + TEXT) * 40),
    "png of international texts": png(after=chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + TEXT) * 40),
    "png of profiles": png(chunk(b"iCCP", b"a\x00\x00" + TEXT) * 40),
    "png of small chunks": png(chunk(b"tEXt", b"a\x00") * (MEGABYTE // 14)),
    "png of empty pixels": png(chunk(b"IDAT", b"") * (MEGABYTE // 12)),
    "png of EXIF": png(chunk(b"eXIf", directory(60_000, 700_000))),
    "png of many EXIF": png(chunk(b"eXIf", ENTRIES) * (4 * MEGABYTE // len(ENTRIES))),
    "png of one column": encode(np.zeros((40 * MEGABYTE, 1), np.uint8)),
    "png of a chunk that claims a gigabyte": png(struct.pack(">I", 2**30) + b"IDAT"),
    "png of frames": png(chunk(b"fcTL", bytes(26)) * 20_000),
    "gif of comments": gif(b"\x21\xfe" + b"\x01a" * (MEGABYTE // 2) + b"\x00"),
    "gif of extensions": gif(b"\x21\xff\x00" * (MEGABYTE // 3)),
    "gif of unknown blocks": gif(b"\x00" * MEGABYTE),
    "webp of chunks": webp((b"abcd" + bytes(4)) * (MEGABYTE // 8)),
    "webp of EXIF": webp(b"EXIF" + struct.pack("<I", 720_018) + directory(60_000, 700_000)),
    "webp of many EXIF": webp(
        (b"EXIF" + struct.pack("<I", len(ENTRIES)) + ENTRIES) * (4 * MEGABYTE // len(ENTRIES))
    ),
    "bmp of run lengths": bmp(b"\x01\x01" * (MEGABYTE // 2) + b"\x00\x01", 700, 700),
    "bmp of run lengths that OpenCV refuses": bmp(
        b"\x01\x01" * (4 * MEGABYTE), 700, 700, compression=2
    ),
    "bmp of line ends": bmp(b"\x00\x00" * (MEGABYTE // 2) + b"\x00\x01", LARGE, LARGE),
    "bmp of jumps": bmp(b"\x00\x02\x00\x00" * (MEGABYTE // 4) + b"\x00\x01", LARGE, LARGE),
    "tiff of entries": directory(60_000, 700_000),
    "tiff of entries, big-endian": directory(60_000, 700_000, order=">"),
    "tiff of equal claims": tiff(extra=directory(300, 8000)[10:-4]),
    "tiff of strips": tiff(extra=struct.pack("<HHII", 273, 3, 2_000_000, 8) + bytes(0)),
    "tiff of a large tile": tiff(t322=65_000, t323=65_000, t324=8, t325=100),
    "tiff of large tiles": tiles(8, 160_000, across=2**21, down=16),
    "tiff of large tiles of signed sides": tiles(8, 160_000, across=2**21, down=16, kind=9),
    "tiff of large strips": tiff(t278=2**31 - 1),
}
