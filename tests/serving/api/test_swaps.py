"""Another model that takes the place while a request is in progress: whose answer it gets."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.api.services import Services
from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.problems import assert_problem

PNG = encode(TWO_SQUARES)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "live.bundle")


@asynccontextmanager
async def served(bundle: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    app = build_app(Settings(bundle=bundle, threads=1))
    async with app.router.lifespan_context(app):
        await app.state.loading
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client, app.state.services


def put_another(bundle: Path) -> None:
    """Puts version 2, whose classes have other names."""
    manifest = Bundle.open(bundle).manifest
    news = {"version": "2", "classes": ("crimson", "lime", "navy")}
    Bundle.write(bundle, manifest.model_copy(update=news))


async def interrupted(body: bytes, swap: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """A body in whose middle something happens."""
    yield body[:100]
    await swap()
    yield body[100:]


@pytest.mark.parametrize("version", [None, "1"])
def test_a_model_that_came_during_the_upload_answers_as_itself(
    bundle: Path, version: str | None
) -> None:
    """Under its own version, and not where the request names the old one."""
    data = [base64.b64encode(PNG).decode()]
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "data": data}
    body = json.dumps({"inputs": [image]}).encode()
    path = f"/v2/models/squares{f'/versions/{version}' if version else ''}/infer"

    async def asked() -> httpx.Response:
        async with served(bundle) as (client, services):
            put_another(bundle)
            upload = interrupted(body, services.models.reload)
            return await client.post(path, content=upload)

    answer = asyncio.run(asked())
    if version is None:
        assert answer.json()["model_version"] == "2"
        return
    assert_problem(answer, 404, "unknown-model")
    assert answer.json()["detail"] == "there is only version 2"


@pytest.mark.parametrize("path", ["/detect", "/detect/batch"])
def test_classes_are_those_of_the_model_that_answered(
    bundle: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = threading.Event(), threading.Event()
    run = Detector.detect_prepared

    def held(self: Detector, *arguments: Any, **options: Any) -> Any:
        began.set()
        assert may_end.wait(30)
        return run(self, *arguments, **options)

    async def asked() -> httpx.Response:
        async with served(bundle) as (client, services):
            monkeypatch.setattr(Detector, "detect_prepared", held)
            files = {"files" if path.endswith("batch") else "file": PNG}
            answer = asyncio.create_task(client.post(f"{path}?format=coco", files=files))
            await asyncio.to_thread(began.wait, 30)
            put_another(bundle)
            reload = asyncio.create_task(services.models.reload())
            while services.models.first.manifest().version == "1" and not reload.done():
                await asyncio.sleep(0.01)
            may_end.set()
            await reload
            return await answer

    answer = asyncio.run(asked())
    assert [each["name"] for each in answer.json()["categories"]] == ["red", "green", "blue"]
