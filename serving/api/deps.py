"""Dependencies of the routes: coroutines, because FastAPI runs plain functions in a thread."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from serving.api.problems import Problem
from serving.api.services import Services
from serving.guards.keys import KeyRing
from serving.schemas.options import DetectOptions

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
) -> DetectOptions:
    unknown = next((name for name in request.query_params if name not in _QUERY), None)
    if unknown is not None:
        detail = f"query {unknown}: is none of {', '.join(_QUERY)}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)
    return DetectOptions(
        score_threshold=score_threshold,
        max_detections=max_detections,
        classes=tuple(classes) if classes else None,
    )


ServicesDep = Annotated[Services, Depends(_services)]
OptionsDep = Annotated[DetectOptions, Depends(_options)]
_Header = Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))]
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def authorize(
    request: Request, services: ServicesDep, header: _Header, bearer: _Bearer
) -> None:
    """Checks the API key, where keys are set, and the rate limit.

    Raises:
        Problem: 401, there is no key or a wrong one; 429, too many requests.
    """
    caller = request.client.host if request.client else "unknown"
    if services.settings.has_keys:
        caller = _identify(services.keys, header, bearer)
        request.state.key = caller
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
    coding = request.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-body",
            f"send the body as it is, without Content-Encoding: {coding}",
            {"Accept-Encoding": "identity"},
        )


async def authorize_admin(services: ServicesDep, header: _Header, bearer: _Bearer) -> None:
    """Checks the admin key.

    Raises:
        Problem: 401, there is no key or a wrong one.
    """
    _identify(services.admin_keys, header, bearer)


def _identify(
    keys: KeyRing, header: str | None, bearer: HTTPAuthorizationCredentials | None
) -> str:
    key = header or (bearer.credentials if bearer else None)
    caller = keys.find(key) if key else None
    if caller is None:
        detail = "send a valid key as X-API-Key or as a Bearer token"
        raise Problem(
            HTTPStatus.UNAUTHORIZED, "unauthorized", detail, {"WWW-Authenticate": "Bearer"}
        )
    return caller
