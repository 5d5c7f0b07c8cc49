"""TorchServe's `config.properties` and its log's configuration."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

LogLevel = Literal["error", "warn", "info", "debug"]
MAX_BODY_BYTES = 20 * 2**20
LOG_CONFIG = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration>
  <Appenders>
    <Console name="stderr" target="SYSTEM_ERR">
      <PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/>
    </Console>
  </Appenders>
  <Loggers>
    <Logger name="ACCESS_LOG" level="off"/>
    <Logger name="MODEL_METRICS" level="off"/>
    <Logger name="TS_METRICS" level="off"/>
    <Logger name="io.netty" level="error"/>
    <Root level="LEVEL">
      <AppenderRef ref="stderr"/>
    </Root>
  </Loggers>
</Configuration>
"""


@dataclass(frozen=True)
class Ports:
    """TorchServe's ports on the loopback address.

    Attributes:
        inference: Answers pictures.
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


def write_config(
    folder: Path, archive: Path, ports: Ports, *, model_api: bool, log_level: LogLevel
) -> tuple[Path, Path]:
    """Writes both files into `folder`.

    Tokens are off: with them, `/ping` needs one too and probes fail, and who may call is decided
    by the service in front. Everything listens on the loopback address instead.

    Args:
        folder: Takes the files.
        archive: The model; its folder is the model store.
        ports: Where to listen.
        model_api: Whether models may be registered and unregistered.
        log_level: The least level that is logged, for example `warn`.

    Returns:
        The paths of `config.properties` and of the log's configuration.
    """
    options = {
        "inference_address": f"http://127.0.0.1:{ports.inference}",
        "management_address": f"http://127.0.0.1:{ports.management}",
        "metrics_address": f"http://127.0.0.1:{ports.metrics}",
        "grpc_inference_port": ports.grpc_inference,
        "grpc_management_port": ports.grpc_management,
        "initial_worker_port": ports.worker,
        "model_store": archive.parent.resolve(),
        "load_models": f"{archive.stem}={archive.name}",
        "allowed_urls": "file://.*",
        "enable_model_api": str(model_api).lower(),
        "disable_token_authorization": "true",
        "enable_envvars_config": "false",
        "install_py_dep_per_model": "false",
        "decode_input_request": "false",
        "max_request_size": MAX_BODY_BYTES,
        "max_response_size": MAX_BODY_BYTES,
        "metrics_mode": "prometheus",
        "disable_system_metrics": "true",
    }
    properties = folder / "config.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
    log = folder / "log4j2.xml"
    log.write_text(LOG_CONFIG.replace("LEVEL", log_level))
    return properties, log
