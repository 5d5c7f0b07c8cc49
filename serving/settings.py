"""Every setting of the service. Each is a ``UMOP_*`` variable and an option of ``umop-serve``."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from serving.schemas.names import EngineName
from serving.storage.address import is_address

_Exposure = Literal["public", "internal", "off"]


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _places(value: object) -> object:
    places = (value,) if isinstance(value, Path) else _split(value)
    if not isinstance(places, list | tuple):
        return places
    return tuple(each if is_address(each) else Path(each) for each in places)


_CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
_Places = Annotated[tuple[str | Path, ...], NoDecode, BeforeValidator(_places)]


class Settings(BaseSettings):
    """Settings, from arguments first, then from the environment."""

    model_config = SettingsConfigDict(env_prefix="UMOP_", frozen=True, extra="forbid")

    bundle: _Places = Field(
        (),
        description="The model's bundle, a folder or a zip, or its address, such as s3://… or "
        "models:/NAME@ALIAS of MLflow. Several are separated by commas, or the option is repeated; "
        "the first answers where a request names no model.",
    )
    bundle_poll: NonNegativeFloat = Field(
        0,
        description="Seconds from one look for a new bundle to the next; it takes the old one's "
        "place once it is warm. 0 for none.",
    )
    verify_key: Path | None = Field(
        None,
        description="Public key (PEM) that the bundle must be signed with; needs the extra 'sign'.",
    )
    trust_program: bool = Field(
        False, description="Allow the engine 'torch' to run a program without a verified signature."
    )
    backend: Literal["embedded", "torchserve", "openinference"] = Field(
        "embedded", description="What finds the objects: this process or another server."
    )
    torchserve_url: str = Field(
        "http://127.0.0.1:8080", description="TorchServe's inference address."
    )
    openinference_url: str = Field(
        "http://127.0.0.1:8000",
        description="Server of the Open Inference Protocol that runs the bundle's network.",
    )
    remote_model: str | None = Field(
        None, description="The model's name at a remote backend; the bundle's name if unset."
    )
    remote_timeout: PositiveFloat = Field(
        10,
        description="Timeout of one request to a remote backend, in seconds; "
        "at most half of the deadline counts.",
    )
    remote_connections: PositiveInt = Field(16, description="Most connections to a remote backend.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    workers: PositiveInt = Field(1, description="Worker processes; each loads the model.")
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Path under which a proxy publishes the service, for example /detector; "
        "requests may come with it or without.",
    )
    internal_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Second port, for what is set to 'internal'; keep it inside the cluster.",
    )
    metrics: _Exposure = Field("public", description="Which port serves /metrics.")
    docs: _Exposure = Field("public", description="Which port serves /docs and /openapi.json.")
    page: bool = Field(True, description="Whether / serves the page for trying the model.")

    engine: EngineName = Field("onnxruntime", description="What runs the network.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="What the network runs on; auto is a GPU that the engine can use."
    )
    gpu_memory: NonNegativeInt = Field(
        0,
        description="Most bytes of GPU memory for the network's data in the engine onnxruntime; "
        "0 for no limit.",
    )
    threads: NonNegativeInt = Field(
        0,
        le=1024,
        description="Threads of one inference on the CPU; 0 for one a core that may be used.",
    )
    decode_threads: PositiveInt = Field(2, le=1024, description="Images decoded at the same time.")
    reduced_decoding: bool = Field(
        False,
        description="Decode a JPEG at a half, quarter or eighth of its size where the model's "
        "input is no larger: twice as fast for 12 megapixels and more; boxes differ slightly.",
    )
    batch_size: PositiveInt = Field(
        1, description="Most images in one inference; more than one is for GPUs."
    )
    batch_pixels: PositiveInt = Field(
        8_000_000, description="Most pixels in one inference; a larger image runs alone."
    )
    batch_delay_ms: NonNegativeFloat = Field(
        2, description="Milliseconds that an image waits for others to share an inference."
    )
    max_queue: PositiveInt = Field(
        64, description="Most images in progress; further requests get 503."
    )
    deadline: PositiveFloat = Field(
        30, description="Seconds from a request's arrival to its answer; then 503."
    )

    max_body_bytes: PositiveInt = Field(20 * 2**20, description="Largest request body, in bytes.")
    max_pixels: PositiveInt = Field(50_000_000, description="Most pixels in one image.")
    max_images: PositiveInt = Field(16, description="Most images in one /detect/batch.")
    header_timeout: PositiveFloat = Field(
        10, description="Seconds for a request's header to arrive."
    )
    write_timeout: PositiveFloat = Field(
        30,
        description="Seconds for a client to take an answer, and one more for every 100 kB of it.",
    )
    max_connections: PositiveInt = Field(1000, description="Most open connections of a worker.")
    allow_urls: bool = Field(
        False, description="Whether a request may give an image by its https URL."
    )
    url_timeout: PositiveFloat = Field(5, description="Seconds to fetch an image given by its URL.")

    api_keys: _CommaSeparated = Field(
        (), repr=False, description="Keys, or sha256:HEX of keys, separated by commas."
    )
    api_keys_file: Path | None = Field(
        None, description="File with one key (or sha256:HEX) a line; read again when it changes."
    )
    admin_keys: _CommaSeparated = Field(
        (), repr=False, description="Keys for /admin routes, which need one."
    )
    allow_anonymous: bool = Field(
        False, description="Allow an address beyond this machine with no key set."
    )
    rate_limit: NonNegativeInt = Field(
        0, description="Requests a minute for each key, or address without keys; 0 for no limit."
    )
    cors_origins: _CommaSeparated = Field(
        (), description="Origins allowed by CORS, separated by commas."
    )

    capture: str | None = Field(
        None,
        description="Folder, or address such as s3://…, that keeps images of some requests, with "
        "what was found in them.",
    )
    capture_rate: float = Field(
        0.05, ge=0, le=1, description="Share of all images that is captured, chosen at random."
    )
    capture_below: float = Field(
        0, ge=0, le=1, description="Every image with a box of a lower score is captured, too."
    )
    capture_bytes: PositiveInt = Field(
        2**30, description="Most bytes of captured images and answers; the oldest go first."
    )
    capture_days: PositiveFloat = Field(30, description="Days that captured images are kept.")

    log_format: Literal["text", "json"] = Field("text", description="Format of the log.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level to log."
    )
    tracing: bool = Field(
        False, description="Send OpenTelemetry traces; needs the extra 'tracing'."
    )
    drain_delay: NonNegativeFloat = Field(
        0, description="Seconds that /readyz answers 503 before a shutdown closes the port."
    )
    drain_timeout: PositiveFloat = Field(
        30, description="Seconds that a shutdown waits for requests in progress."
    )

    @field_validator("backend")
    @classmethod
    def _can_follow(cls, backend: str, info: ValidationInfo) -> str:
        if info.data.get("bundle_poll") and backend != "embedded":
            raise PydanticCustomError("no_poll", "only embedded can follow a bundle (bundle_poll)")
        return backend

    @field_validator("remote_model")
    @classmethod
    def _is_one_model(cls, remote_model: str | None, info: ValidationInfo) -> str | None:
        if remote_model and len(info.data.get("bundle", ())) > 1:
            raise PydanticCustomError("several", "several bundles have the names of their own")
        return remote_model

    @field_validator("metrics", "docs")
    @classmethod
    def _has_a_port(cls, exposure: _Exposure, info: ValidationInfo) -> _Exposure:
        if exposure == "internal" and info.data.get("internal_port", 0) is None:
            raise PydanticCustomError("no_port", "'internal' needs a port: set UMOP_INTERNAL_PORT")
        return exposure

    @field_validator("capture_rate", "capture_below", "capture_bytes", "capture_days")
    @classmethod
    def _has_a_folder(cls, given: float, info: ValidationInfo) -> float:
        is_default = given == cls.model_fields[info.field_name or ""].default
        if given and not is_default and not info.data.get("capture"):
            raise PydanticCustomError("no_folder", "captured images need a place: --capture")
        return given

    @field_validator("gpu_memory")
    @classmethod
    def _has_an_engine(cls, gpu_memory: int, info: ValidationInfo) -> int:
        if gpu_memory and info.data.get("engine") != "onnxruntime":
            raise PydanticCustomError("no_limit", "only the engine onnxruntime can hold this limit")
        return gpu_memory

    @property
    def batch_limit(self) -> int:
        """Most images in one request: no more than the queue admits."""
        return min(self.max_images, self.max_queue)

    @property
    def remote_limit(self) -> float:
        """Seconds of one request to a remote backend.

        It ends before the deadline does, so that a backend that hangs is seen to fail.
        """
        return min(self.remote_timeout, self.deadline / 2)

    @property
    def has_keys(self) -> bool:
        """Whether requests need a key."""
        return bool(self.api_keys or self.api_keys_file)

    @property
    def is_loopback(self) -> bool:
        """Whether ``host`` is reached from this machine only."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
