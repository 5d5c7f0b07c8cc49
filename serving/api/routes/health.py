"""Liveness and readiness."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from serving.api.deps import ServicesDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """State of the service."""

    status: str


@router.get("/healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health(status="alive")


@router.get("/readyz")
async def readyz(services: ServicesDep) -> Health:
    """The model is loaded and warm, and its device works; 503 otherwise."""
    await services.check()
    return Health(status="ready")
