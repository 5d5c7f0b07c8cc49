"""Finding objects."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from serving.api.body import read_picture
from serving.api.deps import AdmissionDep, BackendDep, SettingsDep, StudioDep, WishDep
from serving.api.patience import Patience
from serving.api.representations import Form, negotiate
from serving.schemas import DetectResponse

router = APIRouter(tags=["detect"])

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "byte"}},
                }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/detect", response_model=DetectResponse, openapi_extra=BODY)
async def detect(
    request: Request,
    settings: SettingsDep,
    backend: BackendDep,
    admission: AdmissionDep,
    studio: StudioDep,
    wish: WishDep,
    format: Annotated[Form | None, Query(description="Takes precedence over Accept.")] = None,
) -> Response:
    """Finds objects in one picture."""
    form = negotiate(request, format)
    patience = Patience(request, settings.deadline)
    with admission.admit():
        picture = await patience.reading(read_picture(request))
        found = await patience.working(backend.detect(picture, wish))
        return await studio.present(form, found, picture, backend)
