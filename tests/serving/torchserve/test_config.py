"""TorchServe's configuration reads back, in Java's way, as what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.torchserve.config import ServeOptions, write_config


@pytest.mark.parametrize("name", ["plain", "tést", "模型", "🌲", r"back\slash \u0041"])
def test_a_path_may_have_any_letters(tmp_path: Path, name: str) -> None:
    store = tmp_path / name
    config, _ = write_config(tmp_path, store / "demo.mar", ServeOptions())
    assert read(config)["model_store"] == str(store)


def read(properties: Path) -> dict[str, str]:
    """What Java's ``Properties.load`` makes of a file without comments and continued lines."""
    pairs = (line.partition("=") for line in properties.read_text("latin-1").splitlines())
    return {name: unescaped(value) for name, _, value in pairs}


def unescaped(value: str) -> str:
    units = re.sub(r"\\(?:u(....)|(.))", lambda m: chr(int(m[1], 16)) if m[1] else m[2], value)
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


def test_management_listens_on_loopback_whatever_the_host(tmp_path: Path) -> None:
    options = ServeOptions(host="0.0.0.0")
    config, _ = write_config(tmp_path, tmp_path / "demo.mar", options)
    addresses = {name: value for name, value in read(config).items() if "_address" in name}
    assert addresses == {
        "inference_address": "http://0.0.0.0:8080",
        "management_address": "http://127.0.0.1:8081",
        "metrics_address": "http://0.0.0.0:8082",
    }


def test_a_request_may_be_larger_where_that_is_asked_for(tmp_path: Path) -> None:
    options = ServeOptions(max_body_bytes=99)
    config, _ = write_config(tmp_path, tmp_path / "demo.mar", options)
    assert read(config)["max_request_size"] == "99"
