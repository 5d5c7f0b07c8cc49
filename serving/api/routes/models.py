"""What the service serves."""

from __future__ import annotations

from fastapi import APIRouter

from serving.api.deps import BackendDep
from serving.bundle import Manifest

router = APIRouter(tags=["models"])


@router.get("/models")
async def models(backend: BackendDep) -> list[Manifest]:
    """The model's manifest: classes, sizes, thresholds, accuracy and provenance."""
    return [backend.manifest()]
