"""The log, as text for people or JSON for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from types import TracebackType

from serving.observability import context
from serving.settings import Settings

access = logging.getLogger("serving.access")
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(settings: Settings) -> None:
    """Sends every logger's lines to standard error in the form that the settings name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for chatty in ("uvicorn", "httpx", "httpcore", "PIL", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class TextFormatter(logging.Formatter):
    """One line a record, its traceback indented under it; no message can forge another line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Adds the record's fields, and the id of the request it is about, after its message."""
        fields = dict(_fields(record))
        request = context.current.get()
        if request:
            fields["request_id"] = request.request_id
        tail = "".join(f" {key}={value}" for key, value in fields.items())
        return _printable(super().formatMessage(record).rstrip() + tail)

    def formatException(self, ei: _Raised) -> str:  # noqa: N802  # logging's name
        """Returns the traceback, indented."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {_printable(line)}" for line in lines)


class _JsonFormatter(logging.Formatter):
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


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields
