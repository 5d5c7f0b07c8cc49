"""The served models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from serving.backends import Backend
from serving.bundle import BundleError
from serving.bundle.schema import Manifest


class Models:
    """The served models, by the names in their manifests.

    Args:
        backends: One for each model.

    Attributes:
        first: Answers requests that name no model.
    """

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = backends
        self.first = backends[0]

    async def start(self) -> None:
        """Loads the models one after another, so that only one is being loaded at a time.

        Raises:
            BundleError: A bundle cannot be used, or two have one name.
            EngineError: The engine cannot run here.
        """
        for backend in self._backends:
            await backend.start()
        self._require_names()

    async def stop(self) -> None:
        """Answers accepted requests, then releases all resources."""
        for backend in self._backends:
            await backend.stop()

    async def reload(self) -> None:
        """Loads each model again; the old one answers until the new one is ready.

        Raises:
            BundleError: A new bundle cannot be used: its old one and those after it keep answering.
        """
        for backend in self._backends:
            await backend.reload()
        self._require_names()

    async def reload_one(self, index: int) -> None:
        """Loads the model of one bundle again; the old one answers until the new one is ready.

        Raises:
            BundleError: The new bundle cannot be used.
        """
        await self._backends[index].reload()
        self._require_names()

    async def check(self) -> None:
        """Raises ``NotReadyError`` unless every model could answer now."""
        for backend in self._backends:
            await backend.check()

    def manifests(self) -> list[Manifest]:
        """Returns the manifests of the models that answer, in the order of their bundles.

        Raises:
            NotReadyError: One is not loaded yet.
        """
        return [backend.manifest() for backend in self._backends]

    def find(self, name: str) -> Backend | None:
        """Returns the backend of a model, or None where none of the loaded ones has the name.

        Raises:
            NotReadyError: One that is not loaded yet may have it.
        """
        for backend in self._backends:
            if backend.manifest().name == name:
                return backend
        return None

    def _require_names(self) -> None:
        names = Counter(each.name for each in self.manifests())
        [(name, count)] = names.most_common(1)
        if count > 1:
            raise BundleError(f"{count} bundles are named {name}; give each a name of its own")
