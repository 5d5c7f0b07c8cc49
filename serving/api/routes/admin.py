"""Administration of the service."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from serving.api.deps import ServicesDep, authorize_admin
from serving.schemas.detections import ModelRef

router = APIRouter(prefix="/admin", tags=["operations"], dependencies=[Depends(authorize_admin)])


@router.post("/reload")
async def reload(services: ServicesDep) -> ModelRef:
    """Reads the bundle again; the old model answers until the new one is warm.

    Only the worker that gets this request reloads: with several, send SIGHUP to the service.
    """
    await services.backend.reload()
    manifest = services.backend.manifest()
    return ModelRef(name=manifest.name, version=manifest.version)
