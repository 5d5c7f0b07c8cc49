"""The log, as text for people or JSON for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

from serving import context
from serving.settings import Settings

access = logging.getLogger("serving.access")


def configure(settings: Settings) -> None:
    """Sends every logger's lines to standard error in the form that the settings name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for chatty in ("uvicorn", "httpx", "httpcore", "PIL", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class TextFormatter(logging.Formatter):
    """One short line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Adds the record's fields after its message."""
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        return super().format(record) + fields


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the ids of the request it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = context.current.get()
        if request:
            line |= {
                "request_id": request.request_id,
                "trace_id": request.trace_id,
                "span_id": request.span_id,
            }
        line |= _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields
