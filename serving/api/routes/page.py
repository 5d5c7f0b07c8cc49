"""The page to try the model on, and the bundle's sample images."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from serving.api.deps import ServicesDep, authorize
from serving.api.problems import RESPONSES, Problem
from serving.bundle import Bundle, BundleError
from serving.bundle.schema import Manifest
from serving.inference import decoding

_WEB = Path(__file__).parents[2] / "web"
_SAMPLES = PurePosixPath("samples")

router = APIRouter(tags=["page"], dependencies=[Depends(authorize)])


def install(app: FastAPI) -> None:
    """Adds the page, its files and the samples."""
    app.include_router(router, responses=RESPONSES)
    app.mount("/static", StaticFiles(directory=_WEB))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_WEB / "index.html")


@router.get("/samples")
async def samples(services: ServicesDep) -> list[str]:
    """Names of the images in the bundle's folder ``samples``."""
    return _names(services.backend.manifest())


@router.get(
    "/samples/{name}",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type in decoding.FORMATS.values()}}},
)
async def sample(services: ServicesDep, name: str) -> Response:
    """One of the bundle's sample images."""
    manifest = services.backend.manifest()
    if name not in _names(manifest) or services.settings.bundle is None:
        raise _unknown(f"there is no sample {name!r}")
    bundle = Bundle(services.settings.bundle, manifest)
    try:
        data = await asyncio.to_thread(bundle.read, str(_SAMPLES / name))
    except (BundleError, OSError, BadZipFile) as error:
        raise _unknown(f"the sample {name!r} can no longer be read from the bundle") from error
    return Response(data, media_type=decoding.sniff(data))


def _unknown(detail: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown-sample", detail)


def _names(manifest: Manifest) -> list[str]:
    return [PurePosixPath(name).name for name in manifest.files if _is_sample(name)]


def _is_sample(name: str) -> bool:
    return PurePosixPath(name).parent == _SAMPLES
