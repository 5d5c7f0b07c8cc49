"""Starting the service, in one process or several."""

from __future__ import annotations

from serving.server.process import StartError, address, listen, run
from serving.server.supervisor import Supervisor
from serving.settings import Settings


def serve(settings: Settings) -> None:
    """Serves until told to stop by SIGINT or SIGTERM.

    Raises:
        StartError: The address is taken, the model cannot be loaded, or no key is set.
    """
    _require_keys(settings)
    sockets = [listen(settings.host, settings.port)]
    if settings.internal_port is not None:
        sockets.append(listen(settings.host, settings.internal_port))
    if settings.workers > 1:
        Supervisor(settings, sockets).run()
        return
    url = address(sockets[0])
    run(settings, sockets, lambda name: print(f"serving {name} on {url}", flush=True))


def _require_keys(settings: Settings) -> None:
    if settings.is_loopback or settings.has_keys or settings.allow_anonymous:
        return
    raise StartError(
        f"{settings.host} is reached by other machines and no key is set: "
        "set UMOP_API_KEYS or UMOP_API_KEYS_FILE, or allow all with UMOP_ALLOW_ANONYMOUS=1"
    )
