"""Tells a container engine whether the service in its container is ready: exit code 0 or 1.

Imports nothing but the standard library, because it runs every few seconds.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_EVERY_ADDRESS = ("0.0.0.0", "::")


def main() -> int:
    """Asks ``/readyz`` of the service that the container's variables describe."""
    host = os.environ.get("UMOP_HOST", "127.0.0.1")
    if host in _EVERY_ADDRESS:
        host = "localhost"
    connection = HTTPConnection(host, int(os.environ.get("UMOP_PORT", "8000")), timeout=3)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
    except (OSError, HTTPException) as error:
        print(f"not ready: {error}")
        return 1
    print(answer.read().decode())
    return int(answer.status != HTTPStatus.OK)


if __name__ == "__main__":
    sys.exit(main())
