"""Dependencies of the routes: coroutines, because FastAPI runs plain functions in a thread."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.api.problems import Problem
from serving.api.services import Services
from serving.backends import Backend
from serving.guards.keys import KeyRing
from serving.schemas.options import DetectOptions, Tiles

_QUERY = (*DetectOptions.model_fields, "format")


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _options(
    request: Request,
    score_threshold: Annotated[
        float | None, Query(ge=0, le=1, description="Lowest score to report.")
    ] = None,
    max_detections: Annotated[
        int | None, Query(ge=1, le=1000, description="Most detections to report.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        Query(description="Class to report, by name; repeat it for several."),
    ] = None,
    tiles: Annotated[
        Tiles | None,
        Query(
            description="Whether a large image is looked at in windows: auto is what the model "
            "was made for, a number is their side in pixels."
        ),
    ] = None,
) -> DetectOptions:
    unknown = next((name for name in request.query_params if name not in _QUERY), None)
    if unknown is not None:
        detail = f"query {unknown}: is none of {', '.join(_QUERY)}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)
    return DetectOptions(
        score_threshold=score_threshold,
        max_detections=max_detections,
        classes=tuple(classes) if classes else None,
        tiles=tiles,
    )


async def _first(services: Annotated[Services, Depends(_services)]) -> Backend:
    return services.models.first


async def _named(services: Annotated[Services, Depends(_services)], name: str) -> Backend:
    return require_model(services, name)


def require_model(services: Services, name: str) -> Backend:
    """Returns the backend of the model of that name.

    Raises:
        NotReadyError: Not all models are loaded yet.
        Problem: 404, there is none.
    """
    backend = services.models.find(name)
    if backend is None:
        known = ", ".join(each.name for each in services.models.manifests())
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-model", f"there is only {known}")
    return backend


FirstModel = Annotated[Backend, Depends(_first)]
NamedModel = Annotated[Backend, Depends(_named)]
_NO_CODING = {"", "identity"}
ServicesDep = Annotated[Services, Depends(_services)]
OptionsDep = Annotated[DetectOptions, Depends(_options)]
_Header = Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))]
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def _key(header: _Header, bearer: _Bearer) -> str | None:
    return header or (bearer.credentials if bearer else None)


KeyDep = Annotated[str | None, Depends(_key)]


async def authorize(request: Request, services: ServicesDep, key: KeyDep) -> None:
    """Checks the API key, where keys are set, and the rate limit.

    Args:
        request: Its address is the caller where no keys are set; else its key's name is kept in it.
        services: Hold the keys and the rate limit.
        key: What the caller sends as ``X-API-Key`` or as a Bearer token; None if neither.

    Raises:
        Problem: 401, there is no key or a wrong one; 429, too many requests.
    """
    caller = _address(request)
    if services.settings.has_keys:
        caller = _identify(request, services, services.keys, key)
        request.state.key = caller
    _limit(services, caller)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _limit(services: Services, caller: str) -> None:
    wait = services.rate_limit.wait(caller)
    if wait:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate-limited",
            f"more than {services.settings.rate_limit} requests a minute",
            {"Retry-After": str(int(wait) + 1)},
        )


async def require_plain_body(request: Request) -> None:
    """Refuses a compressed body, whose size could not be limited before it is unpacked.

    Raises:
        Problem: 415 (RFC 9110, section 8.4).
    """
    codings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    coding = next((each.strip() for each in codings if each.strip() not in _NO_CODING), None)
    if coding:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-body",
            f"send the body as it is, without Content-Encoding: {coding:.40}",
            {"Accept-Encoding": "identity"},
        )


async def authorize_admin(request: Request, services: ServicesDep, key: KeyDep) -> None:
    """Checks the admin key.

    Args:
        request: Its address limits how often a wrong key is tried.
        services: Hold the admin keys and the rate limit.
        key: What the caller sends as ``X-API-Key`` or as a Bearer token; None if neither.

    Raises:
        Problem: 401, there is no key or a wrong one; 429, too many of them.
    """
    _identify(request, services, services.admin_keys, key)


def _identify(request: Request, services: Services, keys: KeyRing, key: str | None) -> str:
    """The caller's name by its key; requests with a wrong one are limited by address."""
    caller = keys.find(key) if key else None
    if caller is None:
        _limit(services, _address(request))
        detail = "send a valid key as X-API-Key or as a Bearer token"
        raise Problem(
            HTTPStatus.UNAUTHORIZED, "unauthorized", detail, {"WWW-Authenticate": "Bearer"}
        )
    return caller
