"""The served models."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from serving.api.deps import ServicesDep, authorize
from serving.bundle.schema import Manifest

router = APIRouter(tags=["models"], dependencies=[Depends(authorize)])


@router.get("/models")
async def models(services: ServicesDep) -> list[Manifest]:
    """The models' manifests: classes, sizes, thresholds, accuracy and provenance."""
    return services.models.manifests()
