"""What TorchServe tells a handler."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from ts.context import Context, RequestProcessor


def context_of(folder: Path, **headers: str) -> Context:
    """The context of an unpacked archive, and of four requests with the headers."""
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text())
    config = yaml.safe_load((folder / "model-config.yaml").read_text())
    context = Context("squares", str(folder), manifest, 4, None, "0.12", True, None, config)
    context.request_processor = [RequestProcessor(dict(headers)) for _ in range(4)]
    return context
