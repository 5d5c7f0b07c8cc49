"""TorchServe's ``config.properties`` and its log's configuration."""

from __future__ import annotations

import re
import struct
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

LogLevel = Literal["error", "warn", "info", "debug"]
MAX_BODY_BYTES = 20 * 2**20
WORKER_LOG = "worker.log"
VERIFY_KEY = "UMOP_VERIFY_KEY"
TRUST_PROGRAM = "UMOP_TRUST_PROGRAM"
"""Variables that tell the workers what to trust; the archive itself cannot."""
REDUCED_DECODING = "UMOP_REDUCED_DECODING"
PIXEL_LIMIT = "UMOP_MAX_PIXELS"
_LOG_CONFIG = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration>
  <Appenders>
    <Console name="stderr" target="SYSTEM_ERR">
      <PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/>
    </Console>
    <RollingFile name="worker" fileName="WORKER_LOG" filePattern="WORKER_LOG.%i">
      <PatternLayout pattern="%m%n" charset="UTF-8"/>
      <SizeBasedTriggeringPolicy size="1 MB"/>
      <DefaultRolloverStrategy max="1"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Logger name="ACCESS_LOG" level="off"/>
    <Logger name="MODEL_METRICS" level="off"/>
    <Logger name="TS_METRICS" level="off"/>
    <Logger name="io.netty" level="error"/>
    <Logger name="MODEL_LOG" level="info">
      <AppenderRef ref="worker"/>
    </Logger>
    <Logger name="org.pytorch.serve.wlm.WorkerLifeCycle" level="info">
      <AppenderRef ref="worker"/>
    </Logger>
    <Root level="LEVEL">
      <AppenderRef ref="stderr" level="LEVEL"/>
    </Root>
  </Loggers>
</Configuration>
"""


@dataclass(frozen=True)
class Ports:
    """TorchServe's ports.

    Attributes:
        inference: Answers images.
        management: Describes models, and changes them where that is allowed.
        metrics: Answers Prometheus.
        grpc_inference: The first again, over gRPC.
        grpc_management: The second again, over gRPC.
        worker: The first of the ports that the workers listen on.
    """

    inference: int = 8080
    management: int = 8081
    metrics: int = 8082
    grpc_inference: int = 7070
    grpc_management: int = 7071
    worker: int = 9000

    def all(self) -> tuple[int, ...]:
        """Every port, of the workers' the first."""
        return astuple(self)


@dataclass(frozen=True)
class ServeOptions:
    """Where TorchServe listens, what it trusts, and its limits.

    Attributes:
        ports: Where to listen.
        host: The address for inference and metrics; management listens on loopback only.
        verify_key: The public key that the archive's bundle must be signed with.
        trust_program: Whether the engine ``torch`` runs a program that was not verified.
        max_body_bytes: Most bytes of a request.
        max_pixels: Most pixels in one image; as many as the archive says if None.
        model_api: Whether models may be registered and unregistered on the management port.
        drain_timeout: Seconds that a stop waits for clients.
        log_level: The least level that is logged.
    """

    ports: Ports = Ports()
    host: str = "127.0.0.1"
    verify_key: Path | None = None
    trust_program: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    max_pixels: int | None = None
    model_api: bool = False
    drain_timeout: float = 30
    log_level: LogLevel = "warn"


def write_config(folder: Path, archive: Path, options: ServeOptions) -> tuple[Path, Path]:
    """Writes both files into ``folder``, which must be TorchServe's working directory.

    Whatever the log's level, what the workers print and when they end goes to ``WORKER_LOG`` there.

    Tokens are off: with them, ``/ping`` needs one too and probes fail, and who may call is decided
    by the service in front. Management stays on the loopback address: it runs code of others.

    Args:
        folder: Takes the files.
        archive: The model; its folder is the model store.
        options: Where to listen, and the limits.

    Returns:
        The paths of ``config.properties`` and of the log's configuration.
    """
    ports = options.ports
    values = {
        "inference_address": f"http://{options.host}:{ports.inference}",
        "management_address": f"http://127.0.0.1:{ports.management}",
        "metrics_address": f"http://{options.host}:{ports.metrics}",
        "grpc_inference_port": ports.grpc_inference,
        "grpc_management_port": ports.grpc_management,
        "initial_worker_port": ports.worker,
        "model_store": archive.parent.resolve(),
        "load_models": f"{archive.stem}={archive.name}",
        "allowed_urls": "file://.*",
        "enable_model_api": str(options.model_api).lower(),
        "disable_token_authorization": "true",
        "enable_envvars_config": "false",
        "install_py_dep_per_model": "false",
        "decode_input_request": "false",
        "max_request_size": options.max_body_bytes,
        "max_response_size": MAX_BODY_BYTES,
        "metrics_mode": "prometheus",
        "disable_system_metrics": "true",
    }
    properties = folder / "config.properties"
    lines = (f"{name}={_escaped(str(value))}\n" for name, value in values.items())
    properties.write_text("".join(lines), encoding="ascii")
    log = folder / "log4j2.xml"
    text = _LOG_CONFIG.replace("LEVEL", options.log_level).replace("WORKER_LOG", WORKER_LOG)
    log.write_text(text, encoding="utf-8")
    return properties, log


def _escaped(value: str) -> str:
    """A value as Java's ``Properties`` read it: UTF-16 units beyond ASCII as ``\\uXXXX``."""
    return re.sub(r"[^ -~]", _as_units, value.replace("\\", "\\\\"))


def _as_units(match: re.Match[str]) -> str:
    units = struct.iter_unpack(">H", match[0].encode("utf-16-be", "surrogatepass"))
    return "".join(f"\\u{unit:04x}" for (unit,) in units)
