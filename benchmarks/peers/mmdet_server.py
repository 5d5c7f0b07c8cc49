"""mmdet's ``inference_detector`` behind FastAPI: mmdet_server.py CONFIG CHECKPOINT PORT.

What the answer holds is what ``umop-serve`` answers: boxes, scores and labels from the threshold
on.
"""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from mmdet.apis import inference_detector, init_detector
from mmdet.utils import register_all_modules

import umop.data.pipeline.transforms
import umop.losses
import umop.models  # noqa: F401 (registers what the config names)

THRESHOLD = 0.05

app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> list[dict[str, Any]]:
    return await run_in_threadpool(detect, await request.body())


def detect(image: bytes) -> list[dict[str, Any]]:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    found = inference_detector(app.state.model, pixels).pred_instances.cpu().numpy()
    return [
        {"box": box.tolist(), "score": float(score), "class_id": int(label)}
        for box, score, label in zip(found.bboxes, found.scores, found.labels, strict=True)
        if score >= THRESHOLD
    ]


if __name__ == "__main__":
    config, checkpoint, port = sys.argv[1:]
    register_all_modules()
    app.state.model = init_detector(config, checkpoint, device="cpu")
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
