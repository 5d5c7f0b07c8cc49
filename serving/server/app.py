"""The service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from serving.api import docs, problems
from serving.api.body import BodyReader
from serving.api.large_answers import LargeAnswers
from serving.api.middleware import (
    BodyLimit,
    Cors,
    HeadRequests,
    LastAnswers,
    PublishedPath,
    SecurityHeaders,
    WholeFiles,
)
from serving.api.responses import ResponseRenderer
from serving.api.routes import admin, detect, health, metrics, models, open_inference, page
from serving.api.schema import document
from serving.api.services import Services
from serving.api.telemetry import Telemetry
from serving.backends.choice import choose_models
from serving.backends.follower import Follower
from serving.capture import Capture
from serving.guards.admission import Admission
from serving.guards.budget import ByteBudget
from serving.guards.fetch import Fetcher
from serving.guards.keys import KeyRing, RateLimit
from serving.guards.threads import GuardedThreads
from serving.observability.metrics import Metrics
from serving.observability.tracing import Tracer
from serving.settings import Settings


def build_app(settings: Settings) -> FastAPI:
    """Builds the service.

    The model is loaded in the background once the app has started; ``app.state.loading`` is the
    task that does it, and ``/readyz`` answers 503 until it is done.

    Raises:
        OSError: The file with the keys cannot be read.
        ValueError: The keys are not valid.
        TracingError: Tracing is on and not installed.
        CaptureError: Captured images cannot be written where they are to go.
    """
    app = FastAPI(title="UMOP", version="1", lifespan=_lifespan, openapi_url=None)
    services = app.state.services = _services(settings)
    for routes in (detect, health, models, open_inference):
        app.include_router(routes.router, responses=problems.RESPONSES)
    app.include_router(open_inference.health, responses=problems.RESPONSES)
    if settings.admin_keys:
        app.include_router(admin.router, responses=problems.RESPONSES)
    if settings.page:
        page.install(app)
    _expose(app, app, "public", settings)
    app.add_middleware(HeadRequests)
    app.add_middleware(WholeFiles)
    most_bytes = settings.max_queue * settings.max_body_bytes
    app.add_middleware(LargeAnswers, budget=ByteBudget(most_bytes))
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, budget=ByteBudget(most_bytes))
    app.add_middleware(Cors, allow_origins=settings.cors_origins)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(LastAnswers, services=services)
    app.add_middleware(Telemetry, metrics=services.metrics, tracer=services.tracer)
    app.add_middleware(PublishedPath, root_path=settings.root_path)
    problems.install(app)
    if services.tracer:
        services.tracer.instrument(app)
    return app


def build_internal_app(app: FastAPI) -> FastAPI:
    """Builds the app of the service's internal port."""
    services: Services = app.state.services
    internal = FastAPI(title="UMOP, internal", openapi_url=None)
    internal.state.services = services
    internal.include_router(health.router)
    _expose(internal, app, "internal", services.settings)
    internal.add_middleware(HeadRequests)
    internal.add_middleware(WholeFiles)
    internal.add_middleware(SecurityHeaders)
    problems.install(internal)
    return internal


def _expose(on: FastAPI, app: FastAPI, exposure: str, settings: Settings) -> None:
    if settings.metrics == exposure:
        on.include_router(metrics.router)
    if settings.docs == exposure:
        docs.install(on, partial(document, app))


def _services(settings: Settings) -> Services:
    figures = Metrics()
    models = choose_models(settings, figures)
    fetcher = Fetcher(settings.max_body_bytes, settings.url_timeout)
    return Services(
        settings=settings,
        metrics=figures,
        models=models,
        follower=Follower(settings, models, figures),
        tracer=Tracer() if settings.tracing else None,
        admission=Admission(settings.max_queue, figures),
        body=BodyReader(settings.batch_limit, fetcher if settings.allow_urls else None),
        renderer=ResponseRenderer(
            GuardedThreads(settings.decode_threads, settings.deadline, "draw"), settings.max_pixels
        ),
        keys=KeyRing(settings.api_keys, settings.api_keys_file),
        admin_keys=KeyRing(settings.admin_keys),
        rate_limit=RateLimit(settings.rate_limit),
        capture=Capture(settings, figures) if settings.capture else None,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    app.state.loading = asyncio.create_task(services.models.start())
    following = asyncio.create_task(_follow(app))
    try:
        if services.settings.workers > 1:  # until then, the other workers answer
            await asyncio.wait([app.state.loading])
        yield
    finally:
        for task in (app.state.loading, following):
            task.cancel()
        await asyncio.gather(app.state.loading, following, return_exceptions=True)
        await services.models.stop()
        await services.body.close()
        services.renderer.close()
        if services.capture:
            services.capture.close()
        if services.tracer:
            services.tracer.close()


async def _follow(app: FastAPI) -> None:
    services: Services = app.state.services
    await asyncio.wait([app.state.loading])
    if app.state.loading.exception() is None:
        await services.follower.follow()
