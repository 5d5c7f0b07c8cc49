"""Figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

router = APIRouter(tags=["operations"])


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, latency by stage, batch sizes, queue length and the model's version."""
    page = generate_latest(request.app.state.metrics.registry)
    return Response(page, media_type=CONTENT_TYPE_LATEST)
