"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.api.deps import ServicesDep

router = APIRouter(tags=["operations"])


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(services: ServicesDep) -> Response:
    """Requests, latency by stage, batch sizes, queue length and the model's version."""
    page = await asyncio.to_thread(services.metrics.page)  # reads a few files of each worker
    return Response(page, media_type=CONTENT_TYPE_LATEST)
