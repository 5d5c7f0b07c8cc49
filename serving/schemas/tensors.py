"""Tensors of the Open Inference Protocol, in JSON and in its binary form.

Protocol: github.com/kserve/open-inference-protocol, REST. Binary form: the "binary tensor data
extension" that Triton defined: a JSON header whose length a HTTP header names, then raw bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.schemas.base64_text import decode_base64
from serving.schemas.validation import TooManyValuesError, require_few_values

HEADER_LENGTH = "Inference-Header-Content-Length"
_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
_ITEM_LENGTH = struct.Struct("<I")
_MOST_DIGITS = 20

Tensor = NDArray[Any] | list[bytes]


class TensorError(Exception):
    """The message breaks the protocol; the text is one line that says how."""


def split_message(
    body: bytes, header_length: str | None, *, is_request: bool = False
) -> tuple[dict[str, Any], memoryview]:
    """Splits a message into its JSON header and the raw bytes after it.

    Args:
        body: The message.
        header_length: What the HTTP header ``Inference-Header-Content-Length`` says; None if it is
            not there.
        is_request: Whether a caller sent it, whose JSON is bounded.

    Raises:
        TensorError: It has no JSON object of that length, or one of too many values.
    """
    length = len(body) if header_length is None else _length(header_length)
    if length > len(body):
        raise TensorError("the message is shorter than its JSON header")
    start = body[:length]
    try:
        if is_request:
            require_few_values(start)
        header = json.loads(start)
    except TooManyValuesError as error:
        raise TensorError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise TensorError("the message has no JSON header") from error
    if not isinstance(header, dict):
        raise TensorError("the message's JSON header is not an object")
    return header, memoryview(body)[length:]


def read_tensors(entries: Any, raw: memoryview) -> dict[str, NDArray[Any]]:
    """Reads the numeric tensors that an answer's ``outputs`` describe.

    Args:
        entries: The described tensors, from the JSON header.
        raw: The bytes after the header, in the order of the entries that have their data there.

    Raises:
        TensorError: An entry is incomplete, of another type, or its data does not fit its shape.
    """
    found: dict[str, NDArray[Any]] = {}
    try:
        for entry in entries:
            dtype = _DTYPES[entry["datatype"]]
            size = entry.get("parameters", {}).get("binary_data_size")
            if size is None:
                flat = np.array(entry["data"], dtype)
            else:
                flat = np.frombuffer(raw[: max(size, 0)], dtype)
                raw = raw[size:]
            found[entry["name"]] = flat.reshape(entry["shape"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TensorError(f"a tensor does not match its description: {error}") from error
    return found


def read_items(raw: memoryview, count: int) -> list[bytes]:
    """Reads a tensor of BYTES in the binary form: each item's length, then the item.

    Args:
        raw: All of its bytes.
        count: How many items it has.

    Raises:
        TensorError: There are more or fewer bytes than those of the items.
    """
    items = []
    for _ in range(count):
        if len(raw) < _ITEM_LENGTH.size:
            break
        [length] = _ITEM_LENGTH.unpack_from(raw)
        items.append(bytes(raw[_ITEM_LENGTH.size : _ITEM_LENGTH.size + length]))
        if len(items[-1]) != length:
            raise TensorError("an item of BYTES is cut short")
        raw = raw[_ITEM_LENGTH.size + length :]
    if len(items) != count or raw:
        raise TensorError(f"the data is not that of {count} items")
    return items


def read_json_items(data: Any, count: int) -> list[bytes]:
    """Reads a tensor of BYTES in JSON, a flat list of base64.

    Args:
        data: What stands under ``data``.
        count: How many items it has.

    Raises:
        TensorError: It is not a list of that many strings, or one of them is not base64.
    """
    if not isinstance(data, list) or len(data) != count:
        raise TensorError(f"'data' is not a list of {count} items")
    if not all(isinstance(item, str) for item in data):
        raise TensorError("an item of BYTES in JSON is a string in base64")
    try:
        return [decode_base64(item) for item in data]
    except ValueError as error:
        raise TensorError(f"an item of BYTES is not base64: {error}") from error


def write_message(
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


def _length(header: str) -> int:
    if not (header.isascii() and header.isdigit() and len(header) < _MOST_DIGITS):
        raise TensorError(f"{HEADER_LENGTH} is not a number")
    return int(header)


def _to_bytes(tensor: Tensor) -> bytes:
    if isinstance(tensor, list):
        return b"".join(_ITEM_LENGTH.pack(len(item)) + item for item in tensor)
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
