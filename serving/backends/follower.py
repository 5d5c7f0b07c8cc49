"""Puts a new bundle in the old one's place while requests are answered."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from serving.backends.models import Models
from serving.bundle import BundleError
from serving.bundle.errors import UnreachableError
from serving.bundle.remote import version_of
from serving.inference.engines import EngineError
from serving.observability.metrics import Metrics
from serving.settings import Settings

_log = logging.getLogger(__name__)


class Follower:
    """Looks at the models' bundles now and then, and loads those that changed.

    One that cannot be loaded leaves the old one, and is tried again once it is another one.

    Args:
        settings: Where the bundles are, and how often to look.
        models: The models, in the order of the bundles.
        metrics: Records whether a bundle could not be followed.

    Attributes:
        failure: Why the newest bundle does not answer, in one line; None where it does.
    """

    def __init__(self, settings: Settings, models: Models, metrics: Metrics) -> None:
        self.failure: str | None = None
        self._settings = settings
        self._models = models
        self._metrics = metrics
        self._seen: list[str | None] = [None for _ in settings.bundle]
        self._refused: list[str | None] = [None for _ in settings.bundle]

    async def start(self) -> None:
        """Loads the models, and remembers of which bundles."""
        if self._settings.bundle_poll:
            for index in range(len(self._seen)):
                with suppress(BundleError):  # the model's own start says it
                    self._seen[index] = await self._version(index)
        await self._models.start()

    async def follow(self) -> None:
        """Looks for new bundles until it is cancelled."""
        while self._settings.bundle_poll:
            await asyncio.sleep(self._settings.bundle_poll)
            looks = [await self._look(index) for index in range(len(self._seen))]
            failures = [each for each in looks if each]
            before, self.failure = self.failure, "; ".join(failures) or None
            self._metrics.bundle_failing.set(len(failures))
            if self.failure and self.failure != before:
                _log.error("%s", self.failure)

    async def _look(self, index: int) -> str | None:
        """Loads a model's bundle if it is a new one; returns why the newest does not answer."""
        try:
            version = await self._version(index)
            if version != self._seen[index]:
                self._refused[index] = await self._load(index)
                self._seen[index] = version
        except UnreachableError as error:  # tried again, whether it changes or not
            return f"a new bundle cannot be had: {error}"
        return self._refused[index]

    async def _load(self, index: int) -> str | None:
        try:
            await self._models.reload_one(index)
        except UnreachableError:
            raise
        except (BundleError, EngineError) as error:
            return f"a new bundle cannot be loaded: {error}"
        except Exception as error:
            _log.exception("a new bundle was not loaded")
            return f"a new bundle cannot be loaded: {type(error).__name__}: {error}"
        manifest = self._models.manifests()[index]
        _log.info("followed: %s %s answers now", manifest.name, manifest.version)
        return None

    async def _version(self, index: int) -> str:
        return await asyncio.to_thread(version_of, self._settings.bundle[index])
