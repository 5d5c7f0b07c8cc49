"""Every setting of the service. Each is a `UMOP_*` variable and an option of `umop-serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings, from arguments first, then from the environment."""

    model_config = SettingsConfigDict(env_prefix="UMOP_", frozen=True, extra="forbid")

    bundle: Path | None = Field(None, description="The model's bundle, a folder or a zip.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    engine: Literal["onnxruntime"] = Field("onnxruntime", description="What runs the network.")
    threads: NonNegativeInt = Field(0, description="Threads of one inference; 0 for one a core.")
    decode_threads: PositiveInt = Field(2, description="Pictures decoded at the same time.")
    batch_size: PositiveInt = Field(8, description="Most pictures in one inference.")
    batch_delay_ms: NonNegativeFloat = Field(
        2, description="Milliseconds that a picture waits for others to share an inference."
    )
    max_queue: PositiveInt = Field(
        64, description="Most pictures in the house; more are turned away with 503."
    )
    deadline: PositiveFloat = Field(
        30, description="Seconds from a request's arrival to its answer; then 503."
    )
    max_body_bytes: PositiveInt = Field(20 * 2**20, description="Largest request body, in bytes.")
    max_pixels: PositiveInt = Field(50_000_000, description="Most pixels in one picture.")
