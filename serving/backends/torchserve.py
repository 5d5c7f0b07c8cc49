"""Finds objects in TorchServe, which runs the archive made of the same bundle."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from time import perf_counter, time

import anyio
import httpx
from pydantic import ValidationError

from serving.backends import NotReadyError, offered_manifest, require_bundle
from serving.backends.aging import AgingTransport
from serving.backends.breaker import Breaker
from serving.backends.refusals import read_refusal
from serving.bundle import Bundle
from serving.bundle.schema import Manifest
from serving.inference import decoding
from serving.inference.inputs import InputPreparer
from serving.observability import context
from serving.observability.metrics import Metrics
from serving.schemas.detections import DetectionResult, DetectResponse
from serving.schemas.options import (
    OPTIONS_HEADER,
    UNTIL_HEADER,
    DetectOptions,
    InvalidOptionsError,
)
from serving.settings import Settings

CONNECTION_AGE = 5.0
"""Seconds after which a connection is not used again: TorchServe stops once none is left."""
_TRIES = 3
_PING = httpx.Timeout(3, pool=0.5)
"""Seconds for ``/ping``, and for a connection to be free for it."""
_MOST_OPTIONS = 6000
"""Bytes of the options: TorchServe refuses a request whose headers are longer than 8192."""
# No connection, or one that was closed or cut: a request changes nothing, wherever that finds it.
_SAFE_TO_REPEAT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.RemoteProtocolError,
    httpx.WriteError,
)


class TorchServeBackend:
    """Sends images, as they came, to TorchServe's inference API.

    An image goes to ``POST /predictions/{model}`` as the raw body. TorchServe keeps a request's
    query from its handler, so ``score_threshold``, ``max_detections``, ``classes`` (names) and
    ``tiles`` go as JSON in the header ``X-UMOP-Options``, without those that the request left out,
    and the time until which the answer is waited for in ``X-UMOP-Until``.
    The answer is that of ``serving.schemas.detections.DetectResponse``, or a problem document of
    ``serving.torchserve.predictions.refuse``.

    Args:
        settings: TorchServe's address, and the bundle that its archive was made of.
        metrics: Records the model.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._breaker = Breaker("TorchServe")
        self._connections = asyncio.Semaphore(settings.remote_connections)
        self._bundle: Bundle | None = None
        limits = httpx.Limits(
            max_connections=settings.remote_connections,
            max_keepalive_connections=settings.remote_connections,
        )
        self._client = httpx.AsyncClient(
            base_url=settings.torchserve_url,
            timeout=httpx.Timeout(settings.remote_limit, pool=None),
            transport=AgingTransport(limits, CONNECTION_AGE),
            trust_env=False,
        )

    async def stop(self) -> None:
        """See ``Backend.stop``."""
        await self._client.aclose()

    async def check(self) -> None:
        """See ``Backend.check``."""
        self.manifest()
        self._breaker.require_closed()
        try:
            answer = await self._client.get("/ping", timeout=_PING)
        except httpx.PoolTimeout:  # it works on images; the breaker knows whether it answers them
            return
        except httpx.TransportError as error:
            raise NotReadyError("TorchServe cannot be reached") from error
        if answer.status_code != HTTPStatus.OK:
            raise NotReadyError("TorchServe is not healthy")

    async def reload(self) -> None:
        """See ``Backend.reload``. TorchServe itself may come up later.

        Its own model is changed by its management API.
        """
        bundle = await asyncio.to_thread(
            Bundle.open, require_bundle(self._settings), verify_key=self._settings.verify_key
        )
        if self._bundle:
            self._record_model(self._bundle.manifest, answers=0)
        self._bundle = bundle
        self._record_model(bundle.manifest, answers=1)

    async def offered(self) -> Manifest:
        """See ``Backend.offered``."""
        return await offered_manifest(self._settings)

    def _record_model(self, manifest: Manifest, answers: int) -> None:
        self._metrics.model.labels(manifest.name, manifest.version).set(answers)

    def manifest(self) -> Manifest:
        """See ``Backend.manifest``."""
        return self.bundle().manifest

    def bundle(self) -> Bundle:
        """See ``Backend.bundle``."""
        if self._bundle is None:
            raise NotReadyError("the manifest is being read")
        return self._bundle

    async def detect(self, image: bytes, options: DetectOptions) -> DetectionResult:
        """See ``Backend.detect``."""
        manifest = self.manifest()
        options.class_ids(manifest.classes)
        wanted = _written(options)
        tiled = await asyncio.to_thread(self._read_header, image, options, manifest)
        started = perf_counter()
        model = self._settings.remote_model or manifest.name
        async with self._connection():
            answer = await self._post(model, image, wanted, tiled)
        elapsed = perf_counter() - started
        found = _parse(answer)
        seconds = {stage: spent / 1000 for stage, spent in found.timing_ms.items()}
        return DetectionResult(
            model=found.model,
            image=found.image,
            detections=found.detections,
            seconds={**seconds, "remote": max(0.0, elapsed - sum(seconds.values()))},
            classes=manifest.classes,
        )

    def _read_header(self, image: bytes, options: DetectOptions, manifest: Manifest) -> bool:
        """Whether the image will be looked at in windows, which may take long."""
        limit = self._settings.max_pixels
        decoding.read_header(image, limit)
        return InputPreparer(manifest).kept_pixels(image, options.tiles, limit) > 0

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
        """Waits for a connection to be free: the time for an answer begins with it."""
        try:
            with anyio.fail_after(self._settings.remote_limit):
                await self._connections.acquire()
        except TimeoutError as error:
            raise NotReadyError("all connections to TorchServe are in use") from error
        try:
            yield
        finally:
            self._connections.release()

    async def _post(self, model: str, image: bytes, options: str, tiled: bool) -> httpx.Response:
        self._breaker.enter()
        try:
            answer = await self._send(model, image, options)
        except httpx.TimeoutException as error:
            if not tiled or not isinstance(error, httpx.ReadTimeout):
                self._breaker.failed()
            raise NotReadyError("TorchServe did not answer in time") from error
        except httpx.TransportError as error:
            self._breaker.failed()
            raise NotReadyError("TorchServe cannot be reached") from error
        refusal = read_refusal(answer)
        if refusal and refusal.is_failure:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        if refusal:
            raise refusal.error
        return answer

    async def _send(self, model: str, image: bytes, options: str) -> httpx.Response:
        request = self._client.build_request(
            "POST",
            f"/predictions/{model}",
            content=image,
            headers={
                "Content-Type": "application/octet-stream",
                OPTIONS_HEADER: options,
                **_trace(),
            },
        )
        for tried in range(1, _TRIES + 1):
            request.headers[UNTIL_HEADER] = str(time() + self._settings.remote_limit)
            try:
                return await self._client.send(request)
            except _SAFE_TO_REPEAT:
                if tried == _TRIES:
                    raise
                await asyncio.sleep(random.uniform(0.02, 0.1) * tried)
        raise AssertionError("unreachable")


def _trace() -> dict[str, str]:
    request = context.current.get()
    return {"traceparent": request.traceparent} if request else {}


def _written(options: DetectOptions) -> str:
    """The options as a header; a class that is named twice is in it once."""
    given = options.model_dump(exclude_none=True)
    if options.classes is not None:
        given["classes"] = list(dict.fromkeys(options.classes))
    written = json.dumps(given)
    if len(written) > _MOST_OPTIONS:
        raise InvalidOptionsError(
            f"the options have more than {_MOST_OPTIONS} bytes, the most that go to TorchServe: "
            "name fewer classes, or none for all of them"
        )
    return written


def _parse(answer: httpx.Response) -> DetectResponse:
    try:
        return DetectResponse.model_validate_json(answer.content)
    except ValidationError as error:
        raise NotReadyError("TorchServe's answer is not what its handler should send") from error
