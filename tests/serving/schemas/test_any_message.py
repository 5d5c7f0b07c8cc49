"""Messages that nobody would write are requests, or refused in one line."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.schemas.open_inference import read_request
from serving.schemas.tensors import TensorError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


def nearly(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    """An object whose members are nearly those of a request."""
    return st.fixed_dictionaries({}, optional={k: v | SCALARS for k, v in members.items()})


INPUTS = nearly(
    name=st.just("image"),
    datatype=st.sampled_from(["BYTES", "FP32"]),
    shape=st.lists(st.integers(-1, 3), max_size=2),
    parameters=nearly(binary_data_size=st.integers(-1, 20), shared_memory_region=st.text()),
    data=st.lists(st.sampled_from(["", "AAAA", "A", "é", "data:;base64,"]) | SCALARS, max_size=3),
)
OUTPUTS = nearly(name=st.just("boxes"), parameters=nearly(binary_data=st.booleans()))
REQUESTS = nearly(
    id=st.text(),
    inputs=st.lists(INPUTS, max_size=2),
    outputs=st.lists(OUTPUTS, max_size=2),
    parameters=nearly(score_threshold=st.floats(), classes=st.text()),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(REQUESTS | ANYTHING, st.binary(max_size=20), st.none() | st.integers(-1, 50), st.text())
def test_any_message_is_read_or_refused(
    header: Any, raw: bytes, length: int | None, text: str
) -> None:
    start = json.dumps(header).encode()
    for said in (str(len(start)), None if length is None else str(length), text):
        with suppress(TensorError):
            _, images = read_request(start + raw, said, most=3)
            assert 1 <= len(images) <= 3


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=9), min_size=1, max_size=3), st.binary(max_size=9))
def test_binary_items_come_back_whole(images: list[bytes], rest: bytes) -> None:
    raw = b"".join(len(each).to_bytes(4, "little") + each for each in images) + rest
    image = {"name": "image", "datatype": "BYTES", "shape": [len(images)]}
    header = json.dumps({"inputs": [{**image, "parameters": {"binary_data_size": len(raw)}}]})
    try:
        _, found = read_request(header.encode() + raw, str(len(header)), most=3)
    except TensorError:
        assert rest
    else:
        assert found == images
        assert not rest
