"""Whether the service lives and can answer."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from serving.api.deps import BackendDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state in one word."""

    status: str


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives and answers."""
    return Health(status="alive")


@router.get("/readyz")
async def readyz(backend: BackendDep) -> Health:
    """The model is loaded and warm; 503 until then."""
    await backend.check()
    return Health(status="ready")
