"""Where answers are rendered."""

from __future__ import annotations

import asyncio
import base64
from threading import current_thread, main_thread
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.api.formats.output import DetectAnswer, Found, OutputFormat
from serving.api.responses import ResponseRenderer
from serving.api.routes import open_inference
from serving.guards import aside
from serving.guards.threads import GuardedThreads
from serving.schemas.detections import Box, Detection, DetectionResult, ImageInfo, ModelRef
from tests.serving.images import TWO_SQUARES, encode


def test_an_answer_of_thousands_of_boxes_does_not_hold_the_event_loop() -> None:
    threads = []

    def render(_: DetectAnswer) -> str:
        threads.append(current_thread())
        return "rendered"

    form = OutputFormat("test", "text/plain", render, batch=render)
    model, size = ModelRef(name="squares", version="1"), ImageInfo(width=1, height=1)
    box = Detection(label="red", class_id=0, score=0.5, box=Box(x1=0, y1=0, x2=1, y2=1))
    found = Found("image", b"", DetectionResult(model, size, [box] * aside.MANY_BOXES, {}))
    renderer = ResponseRenderer(GuardedThreads(1, 1, "draw"), 1)

    async def rendered() -> list[bytes]:
        answers = [await renderer.one(form, found), await renderer.several(form, [found])]
        return [bytes(answer.body) for answer in answers]

    assert asyncio.run(rendered()) == [b"rendered"] * 2
    assert main_thread() not in threads
    renderer.close()


def test_nor_does_a_message_of_the_open_inference_protocol(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = open_inference.write_answer
    written = []

    def watched(*arguments: Any) -> Any:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        written.append(arguments)
        return write(*arguments)

    monkeypatch.setattr(aside, "MANY_BOXES", 2)
    monkeypatch.setattr(open_inference, "write_answer", watched)
    image = base64.b64encode(encode(TWO_SQUARES)).decode()
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [image]}
    assert client.post("/v2/models/squares/infer", json={"inputs": [tensor]}).status_code == 200
    assert len(written) == 1
