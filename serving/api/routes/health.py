"""Liveness and readiness."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from serving.api.deps import ServicesDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """State of the service.

    Attributes:
        status: ``alive`` or ``ready``.
        detail: Why the newest bundle does not answer, where an older one does.
    """

    status: str
    detail: str | None = None


@router.get("/healthz", response_model_exclude_none=True)
async def healthz() -> Health:
    """The process is alive."""
    return Health(status="alive")


@router.get("/readyz", response_model_exclude_none=True)
async def readyz(services: ServicesDep) -> Health:
    """The model is loaded and warm, and its device works; 503 otherwise."""
    await services.check()
    return Health(status="ready", detail=services.follower.failure)
