"""Tells a container engine whether TorchServe's workers have loaded: exit code 0 or 1.

``/ping`` answers 200 before they have. The management port, which knows, is on loopback, so this
runs in TorchServe's own container. It imports nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection, HTTPException
from typing import Any

_MANAGEMENT_PORT = 8081


def main(port: int = _MANAGEMENT_PORT) -> int:
    """Asks the management API about every model."""
    try:
        models = [model["modelName"] for model in _ask(port, "/models")["models"]]
        states = [
            worker["status"]
            for model in models
            for version in _ask(port, f"/models/{model}")
            for worker in version["workers"]
        ]
    except (OSError, HTTPException, ValueError, KeyError) as error:
        print(f"not ready: {error!r}")
        return 1
    print(", ".join(states) or "no worker")
    return int("READY" not in states)


def _ask(port: int, path: str) -> Any:
    """What the management API answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


if __name__ == "__main__":
    sys.exit(main())
