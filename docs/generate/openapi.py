"""Writes docs/openapi.json, which the site's page of the HTTP API shows: ``make site``."""

from __future__ import annotations

import json
from pathlib import Path

from serving.api.schema import document
from serving.server.app import build_app
from serving.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "openapi.json"


def page() -> str:
    """The document of a service with its defaults."""
    app = build_app(Settings(bundle=["model.bundle"], allow_anonymous=True, _env_file=None))
    return json.dumps(document(app))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
