"""What a tracker says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from umop.runs.folder import RunFolder
from umop.system.errors import UserError

TrackerSettings = dict[str, Any]


@dataclass(frozen=True)
class Tracker:
    """A place that scalars are sent to, by one of mmengine's visualizer backends.

    Attributes:
        package: What the backend imports.
        extra: The extra of umop that brings the package.
        settings: The backend's config for a run, the iterations that it goes on from, and the
            environment; None where the environment does not ask for the tracker.
    """

    package: str
    extra: str
    settings: Callable[[RunFolder, int, Mapping[str, str]], TrackerSettings | None]

    def require_package(self) -> None:
        """Checks that the package is installed.

        Raises:
            UserError: It is not.
        """
        if find_spec(self.package) is None:
            raise UserError(
                f"The package {self.package} is missing, which records the run's scalars. "
                f"Install it: pip install 'umop[{self.extra}]'"
            )
