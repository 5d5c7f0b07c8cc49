"""The served model."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from serving.api.deps import ServicesDep, authorize
from serving.bundle.schema import Manifest

router = APIRouter(tags=["models"], dependencies=[Depends(authorize)])


@router.get("/models")
async def models(services: ServicesDep) -> list[Manifest]:
    """The model's manifest: classes, sizes, thresholds, accuracy and provenance."""
    return [services.backend.manifest()]
