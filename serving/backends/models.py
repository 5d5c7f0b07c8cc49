"""The served models."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from serving.backends import Backend, NotReadyError
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
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Loads the models one after another, so that only one is being loaded at a time.

        Raises:
            BundleError: A bundle cannot be used, or two have one name.
            EngineError: The engine cannot run here.
        """
        async with self._reloading:
            for backend in self._backends:
                await backend.reload()
            _require_different(each.name for each in self.manifests())

    @property
    def is_empty(self) -> bool:
        """Whether none is loaded yet."""
        try:
            self.first.manifest()
        except NotReadyError:
            return True
        return False

    async def stop(self) -> None:
        """Answers accepted requests, then releases all resources."""
        for backend in self._backends:
            await backend.stop()

    async def reload(self) -> None:
        """Loads each model again; the old one answers until the new one is ready.

        Raises:
            BundleError: A new bundle cannot be read, or has the name of another model: all old
                ones keep answering. Or one does not run: its old one and those after it do.
        """
        async with self._reloading:
            await self._require_new_names(range(len(self._backends)))
            for backend in self._backends:
                await backend.reload()

    async def reload_one(self, index: int) -> None:
        """Loads the model of one bundle again; the old one answers until the new one is ready.

        Raises:
            BundleError: The new bundle cannot be used, or has the name of another model.
        """
        async with self._reloading:
            await self._require_new_names([index])
            await self._backends[index].reload()

    async def check(self) -> None:
        """Raises ``NotReadyError`` unless every model could answer now."""
        for backend in self._backends:
            await backend.check()

    def origin(self, index: int) -> str:
        """Returns where the bundle of a model that answers comes from, see ``Bundle.origin``.

        Raises:
            NotReadyError: It is not loaded yet.
        """
        return self._backends[index].bundle().origin

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

    async def _require_new_names(self, places: Iterable[int]) -> None:
        """Checks new bundles beside each other, and beside the old ones that they stand with.

        One is loaded after the other, so that for a while new and old models answer together.

        Args:
            places: Those of the bundles that are loaded again.
        """
        if len(self._backends) == 1:
            return
        old = [manifest.name for manifest in self.manifests()]
        offered = {place: (await self._backends[place].offered()).name for place in places}
        _require_different(offered.get(place, name) for place, name in enumerate(old))
        for place, name in offered.items():
            if name in (*old[:place], *old[place + 1 :]):
                raise BundleError(
                    f"a new bundle is named {name}, as another model is that answers now; "
                    "to exchange names, start the service again"
                )


def _require_different(names: Iterable[str]) -> None:
    [(name, count)] = Counter(names).most_common(1)
    if count > 1:
        raise BundleError(f"{count} bundles are named {name}; give each a name of its own")
