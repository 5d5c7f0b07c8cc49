"""OpenTelemetry, where the extra ``tracing`` is installed and the setting is on."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from serving.observability.context import RequestContext


class TracingError(Exception):
    """Tracing was requested and is not installed; the message is one line."""


class Tracer:
    """Makes one span a request and sends them as OTLP over HTTP.

    Where they go is set by OpenTelemetry's own variables, ``OTEL_EXPORTER_OTLP_ENDPOINT`` first.

    Raises:
        TracingError: OpenTelemetry is not installed.
    """

    def __init__(self) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingError("tracing needs the extra: pip install 'umop[tracing]'") from error
        resource = Resource.create({"service.name": "umop-serve"})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._instrumentor = FastAPIInstrumentor

    def instrument(self, app: FastAPI) -> None:
        """Makes one span of every request, named by its route, with its status."""
        self._instrumentor.instrument_app(
            app, tracer_provider=self._provider, exclude_spans=["receive", "send"]
        )

    def context(self, request: RequestContext) -> RequestContext:
        """Returns a request's context with the ids of its span."""
        from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

        ids = get_current_span().get_span_context()
        return RequestContext(
            request.request_id,
            format_trace_id(ids.trace_id),
            format_span_id(ids.span_id),
            f"{int(ids.trace_flags):02x}",
        )

    def stages(self, seconds: Mapping[str, float]) -> None:
        """Notes the time of each stage on the request's span."""
        from opentelemetry.trace import get_current_span

        for stage, spent in seconds.items():
            get_current_span().set_attribute(f"umop.{stage}_ms", round(1000 * spent, 3))

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()
