"""The service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from serving.admission import Admission
from serving.api import problems
from serving.api.middleware import BodyLimit
from serving.api.representations import Studio
from serving.api.routes import detect, health, metrics, models
from serving.backends.embedded import EmbeddedBackend
from serving.metrics import Metrics
from serving.settings import Settings


def build_app(settings: Settings) -> FastAPI:
    """Builds the service.

    The model is loaded in the background once the app has started; `app.state.loading` is the
    task that does it, and `/readyz` answers 503 until it is done.
    """
    app = FastAPI(title="UMOP", version="1", lifespan=_lifespan)
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.admission = Admission(settings.max_queue)
    app.state.studio = Studio(settings.decode_threads, settings.max_pixels)
    for routes in (detect, health, models, metrics):
        app.include_router(routes.router)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    problems.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.backend = EmbeddedBackend(app.state.settings)
    app.state.loading = asyncio.create_task(app.state.backend.start())
    try:
        yield
    finally:
        app.state.loading.cancel()
        await asyncio.gather(app.state.loading, return_exceptions=True)
        await app.state.backend.stop()
        app.state.studio.close()
