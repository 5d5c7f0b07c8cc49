"""Prints what describes a bundle's image, from its manifest: options of ``docker build``.

The tag is the model's name and version, and ``-copy`` where the image can copy the bundle because
it has a base. Needs no package, for it runs outside of environments.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(bundle: str, repository: str, base: str = "") -> None:
    """Prints one option a line; ends with 1 where there is no bundle."""
    try:
        manifest = json.loads((Path(bundle) / "manifest.json").read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"{bundle} is not a bundle's folder: {error.strerror}: {error.filename}")
    runs = manifest["provenance"].get("runs") or [{}]
    labels = {
        "org.opencontainers.image.title": manifest["name"],
        "org.opencontainers.image.version": manifest["version"],
        "org.opencontainers.image.created": manifest["created"],
        "org.opencontainers.image.revision": runs[-1].get("commit"),
        "umop.model.ap": manifest["metrics"].get("AP"),
        "umop.model.precision": manifest["precision"],
    }
    tag = f"{manifest['name']}-{manifest['version']}"
    if base:
        print(f"--build-arg=BASE={base}")
        tag += "-copy"
    print(f"--tag={repository}:{tag}")
    for name, value in labels.items():
        if value is not None:
            print(f"--label={name}={value}")


if __name__ == "__main__":
    main(*sys.argv[1:])
