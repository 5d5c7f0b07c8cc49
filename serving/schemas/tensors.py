"""Tensors of the Open Inference Protocol, in JSON and in its binary form.

Protocol: github.com/kserve/open-inference-protocol, REST. Binary form: the "binary tensor data
extension" that Triton defined: a JSON header whose length a HTTP header names, then raw bytes.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER_LENGTH = "Inference-Header-Content-Length"
_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}

Tensor = NDArray[Any] | list[bytes]


class TensorError(Exception):
    """The message breaks the protocol; the text is one line that says how."""


def split(body: bytes, header_length: str | None) -> tuple[dict[str, Any], bytes]:
    """Splits a message into its JSON header and the raw bytes after it.

    Raises:
        TensorError: It has no JSON object of that length.
    """
    try:
        length = len(body) if header_length is None else int(header_length)
        header = json.loads(body[:length])
    except (ValueError, RecursionError) as error:
        raise TensorError("the message has no JSON header") from error
    if not isinstance(header, dict) or not 0 <= length <= len(body):
        raise TensorError("the message's JSON header is not an object of the length it names")
    return header, body[length:]


def read_tensors(entries: Any, raw: bytes) -> dict[str, Tensor]:
    """Reads the tensors that a message's ``inputs`` or ``outputs`` describe.

    Args:
        entries: The described tensors, from the JSON header.
        raw: The bytes after the header, in the order of the entries that have their data there.

    Returns:
        Arrays of the described shape, and lists of bytes for the type BYTES.

    Raises:
        TensorError: An entry is incomplete, of another type, or its data does not fit its shape.
    """
    tensors: dict[str, Tensor] = {}
    try:
        for entry in entries:
            size = entry.get("parameters", {}).get("binary_data_size")
            if size is None:
                tensors[entry["name"]] = _from_json(entry)
            else:
                tensors[entry["name"]] = _from_bytes(entry, raw[:size])
                raw = raw[size:]
    except (KeyError, TypeError, ValueError, AttributeError, struct.error, OverflowError) as error:
        raise TensorError(f"a tensor does not match its description: {error}") from error
    return tensors


def write(
    header: Mapping[str, Any], field: str, tensors: Mapping[Any, Tensor], binary: Sequence[str]
) -> tuple[bytes, int | None]:
    """Writes a message.

    Args:
        header: Its JSON members beside the tensors.
        field: ``inputs`` or ``outputs``.
        tensors: By name.
        binary: Names of those that go as raw bytes.

    Returns:
        The body, and the length of its JSON header if raw bytes follow.
    """
    entries: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for name, tensor in tensors.items():
        entry: dict[str, Any] = {
            "name": name,
            "datatype": _datatype(tensor),
            "shape": _shape(tensor),
        }
        if name in binary:
            raw.append(_to_bytes(tensor))
            entry["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            entry["data"] = _to_json(tensor)
        entries.append(entry)
    start = json.dumps({**header, field: entries}).encode()
    return start + b"".join(raw), len(start) if raw else None


def _from_json(entry: Mapping[str, Any]) -> Tensor:
    if entry["datatype"] == "BYTES":
        return [base64.b64decode(item, validate=True) for item in np.ravel(entry["data"]).tolist()]
    return np.array(entry["data"], _DTYPES[entry["datatype"]]).reshape(entry["shape"])


def _from_bytes(entry: Mapping[str, Any], raw: bytes) -> Tensor:
    if entry["datatype"] != "BYTES":
        return np.frombuffer(raw, _DTYPES[entry["datatype"]]).reshape(entry["shape"])
    items = []
    while raw:
        [length] = struct.unpack("<I", raw[:4])
        items.append(raw[4 : 4 + length])
        if len(items[-1]) != length:
            raise ValueError("an item of BYTES is cut short")
        raw = raw[4 + length :]
    if len(items) != math.prod(entry["shape"]):
        raise ValueError(f"shape {entry['shape']} has not {len(items)} items")
    return items


def _to_bytes(tensor: Tensor) -> bytes:
    if isinstance(tensor, list):
        return b"".join(struct.pack("<I", len(item)) + item for item in tensor)
    return tensor.astype(_DTYPES[_datatype(tensor)], copy=False).tobytes()


def _to_json(tensor: Tensor) -> list[Any]:
    if isinstance(tensor, list):
        return [item.decode() for item in tensor]
    return tensor.ravel().tolist()


def _datatype(tensor: Tensor) -> str:
    if isinstance(tensor, list):
        return "BYTES"
    return "FP32" if tensor.dtype.kind == "f" else "INT64"


def _shape(tensor: Tensor) -> list[int]:
    return [len(tensor)] if isinstance(tensor, list) else list(tensor.shape)
