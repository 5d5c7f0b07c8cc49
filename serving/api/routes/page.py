"""The page to try the model on, and the bundle's sample images."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from serving.api.deps import FirstModel, NamedModel, authorize
from serving.api.problems import RESPONSES, Problem
from serving.bundle import Bundle, BundleError
from serving.bundle.schema import Manifest
from serving.inference import decoding
from serving.zips import UNREADABLE_ZIP

_WEB = Path(__file__).parents[2] / "web"
_SAMPLES = PurePosixPath("samples")
_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {} for media_type in decoding.IMAGE_FORMATS.values()}}
}

router = APIRouter(tags=["page"], dependencies=[Depends(authorize)])


def install(app: FastAPI) -> None:
    """Adds the page, its files and the samples."""
    app.include_router(router, responses=RESPONSES)
    app.mount("/static", StaticFiles(directory=_WEB))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_WEB / "index.html")


@router.get("/samples")
async def samples(model: FirstModel) -> list[str]:
    """Names of the images in the folder ``samples`` of the first bundle."""
    return _names(model.manifest())


@router.get("/models/{name}/samples")
async def samples_of(model: NamedModel) -> list[str]:
    """Names of the images in the folder ``samples`` of the model's bundle."""
    return _names(model.manifest())


@router.get("/samples/{sample}", response_class=Response, responses=_IMAGE)
async def sample(model: FirstModel, sample: str) -> Response:
    """One of the first bundle's sample images."""
    return await _read(model.bundle(), sample)


@router.get("/models/{name}/samples/{sample}", response_class=Response, responses=_IMAGE)
async def sample_of(model: NamedModel, sample: str) -> Response:
    """One of the sample images of the model's bundle."""
    return await _read(model.bundle(), sample)


async def _read(bundle: Bundle, name: str) -> Response:
    if name not in _names(bundle.manifest):
        raise _unknown(f"there is no sample {name!r}")
    try:
        data = await asyncio.to_thread(bundle.read, str(_SAMPLES / name))
    except (BundleError, *UNREADABLE_ZIP) as error:
        raise _unknown(f"the sample {name!r} can no longer be read from the bundle") from error
    return Response(data, media_type=decoding.sniff(data))


def _unknown(detail: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown-sample", detail)


def _names(manifest: Manifest) -> list[str]:
    return [PurePosixPath(name).name for name in manifest.files if _is_sample(name)]


def _is_sample(name: str) -> bool:
    return PurePosixPath(name).parent == _SAMPLES
