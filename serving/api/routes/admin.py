"""Administration of the service."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from serving.api.deps import ServicesDep, authorize_admin
from serving.schemas.detections import ModelRef

router = APIRouter(prefix="/admin", tags=["operations"], dependencies=[Depends(authorize_admin)])


@router.post("/reload")
async def reload(services: ServicesDep) -> ModelRef:
    """Reads every bundle again; the old models answer until the new ones are warm.

    Only the worker that gets this request reloads: with several, send SIGHUP to the service.
    """
    await services.models.reload()
    manifest = services.models.first.manifest()
    return ModelRef(name=manifest.name, version=manifest.version)
