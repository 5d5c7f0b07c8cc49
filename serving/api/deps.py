"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from serving.admission import Admission
from serving.api.representations import Studio
from serving.backends import Backend, Wish
from serving.settings import Settings


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _backend(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


def _studio(request: Request) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


def _wish(
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
) -> Wish:
    return Wish(score_threshold, max_detections, tuple(classes) if classes else None)


SettingsDep = Annotated[Settings, Depends(_settings)]
BackendDep = Annotated[Backend, Depends(_backend)]
AdmissionDep = Annotated[Admission, Depends(_admission)]
StudioDep = Annotated[Studio, Depends(_studio)]
WishDep = Annotated[Wish, Depends(_wish)]
