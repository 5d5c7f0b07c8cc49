"""Puts a new bundle in the old one's place while requests are answered."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from serving.backends.models import Models
from serving.bundle import BundleError
from serving.bundle.errors import UnreachableError
from serving.bundle.remote import version_of
from serving.inference.engines import EngineError
from serving.observability.metrics import Metrics
from serving.settings import Settings

_log = logging.getLogger(__name__)


class _Refusal(NamedTuple):
    version: str | None
    reason: str


class Follower:
    """Looks at the models' bundles now and then, and loads those that changed.

    What answers is compared, whoever had it loaded. One that cannot be loaded leaves the old one,
    and is tried again once it is another one.

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
        self._refused: list[_Refusal | None] = [None for _ in settings.bundle]

    async def follow(self) -> None:
        """Looks for new bundles until it is cancelled."""
        while self._settings.bundle_poll:
            await asyncio.sleep(self._settings.bundle_poll)
            looks = [await self._look(index) for index in range(len(self._refused))]
            failures = [each for each in looks if each]
            before, self.failure = self.failure, "; ".join(failures) or None
            self._metrics.bundle_failing.set(len(failures))
            if self.failure and self.failure != before:
                _log.error("%s", self.failure)

    async def _look(self, index: int) -> str | None:
        """Loads a model's bundle if it is a new one; returns why the newest does not answer."""
        try:
            version = await self._version(index)
            if version == self._models.origin(index):
                self._refused[index] = None
                return None
            refused = self._refused[index]
            if refused is None or refused.version != version:
                refused = self._refused[index] = await self._load(index, version)
        except UnreachableError as error:  # tried again, whether it changes or not
            return f"a new bundle cannot be had: {error}"
        except Exception as error:
            _log.exception("a look for a new bundle failed")
            return f"a new bundle cannot be had: {type(error).__name__}: {error}"
        return refused and refused.reason

    async def _load(self, index: int, version: str) -> _Refusal | None:
        reason = await self._reload(index)
        if reason is None:
            return None
        is_known = await self._version(index) == version  # or it may be another that was loaded
        return _Refusal(version if is_known else None, reason)

    async def _reload(self, index: int) -> str | None:
        """Loads a model's bundle; returns why it cannot be."""
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
