"""What the manifests of serving run, in the images: the same commands, user, root and mounts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docker.containers import Container, docker, image, inspect, started
from tests.k8s.manifests import containers, containers_of, overlay
from tests.k8s.pods import as_container
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.signing import KeyPair, make_key_pair, signed_copy
from tests.serving.waiting import wait_until

ROOT = Path(__file__).parents[2]
KEY = "a long random key"
PUBLISHED = ("--publish=127.0.0.1::8000", "--publish=127.0.0.1::9000")


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_volumes(tmp_path_factory.mktemp("volumes"))


def write_volumes(root: Path) -> dict[str, Path]:
    """Writes the claim with a run's bundle, and the secret with a key."""
    make_bundle(root / "runs" / "r50" / "r50.bundle")
    (root / "keys").mkdir()
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    (root / "keys" / "keys").write_text(f"sha256:{digest}  # the web site\n")
    return {"model": root / "runs", "keys": root / "keys"}


def test_the_front_and_torchserve_answer_together(network: str, volumes: dict[str, Path]) -> None:
    front, torchserve = (
        as_container(each, image(each.image.removeprefix("umop-")), volumes)
        for each in sorted(containers("serving"), key=lambda each: each.image)
    )
    on_network = f"--network={network}"
    with (
        started(on_network, "--network-alias=umop-torchserve", *torchserve) as back,
        started(on_network, *PUBLISHED, *front) as api,
    ):
        wait_until(lambda: has_loaded(back), seconds=120)
        wait_until(lambda: is_ready(api), seconds=60)
        assert detect(api, "another key").status_code == 401
        assert len(detect(api, KEY).json()["detections"]) == 2
        assert api.stop() == 0
        assert back.stop() == 0


def test_kserves_container_answers(volumes: dict[str, Path]) -> None:
    """KServe mounts the bundle that STORAGE_URI names."""
    [predictor] = containers("kserve/inferenceservice.yaml")
    words = as_container(predictor, image("api"), volumes)
    bundle = f"--volume={volumes['model']}/r50/r50.bundle:/mnt/models:ro"
    with started("--publish=127.0.0.1::8000", bundle, *words) as api:
        path = predictor.spec["readinessProbe"]["httpGet"]["path"]
        wait_until(lambda: is_ready(api, api.url(8000) + path), seconds=60)
        assert detect(api, "another key").status_code == 401
        assert len(detect(api, KEY).json()["detections"]) == 2
        model = httpx.get(f"{api.url(8000)}/v2/models/squares", headers={"X-API-Key": KEY})
        assert model.json()["platform"]
        assert api.stop() == 0


def has_loaded(torchserve: Container) -> bool:
    """Whether the start-up probe passes."""
    assert torchserve.state()["Running"], torchserve.log()
    probe = ["docker", "exec", torchserve.id, "python", "-m", "serving.torchserve.probe"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def is_ready(api: Container, url: str | None = None) -> bool:
    """Whether the readiness probe passes: that of the front, unless another is given."""
    assert api.state()["Running"], api.log()
    try:
        return httpx.get(url or f"{api.url(9000)}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False


def detect(api: Container, key: str) -> httpx.Response:
    return httpx.post(
        f"{api.url(8000)}/detect?score_threshold=0.9",
        content=encode(TWO_SQUARES),
        headers={"X-API-Key": key},
        timeout=30,
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """The pair that bundles are signed with."""
    return make_key_pair(tmp_path_factory.mktemp("keys"), "public")


@pytest.fixture(scope="module")
def model_image(
    volumes: dict[str, Path], keys: KeyPair, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An image of a signed bundle that copies it."""
    signed = signed_copy(
        volumes["model"] / "r50" / "r50.bundle", tmp_path_factory.mktemp("signed"), keys
    )
    command = ["make", "model-image", f"BUNDLE={signed}", f"BASE={image('api')}"]
    subprocess.run([*command, f"PYTHON={sys.executable}"], cwd=ROOT, check=True)
    name = f"{os.environ['IMAGE_PREFIX']}/umop-model:squares-1-copy"
    yield name
    docker("rmi", name)


def test_a_model_comes_from_its_image_and_is_verified(
    tmp_path: Path, volumes: dict[str, Path], keys: KeyPair, model_image: str
) -> None:
    assert inspect(model_image)["Config"]["Labels"]["umop.model.ap"] == "0.5"
    verify = tmp_path / "verify"
    verify.mkdir()
    (verify / "public.pem").write_bytes(keys.public.read_bytes())
    model = tmp_path / "model"
    model.mkdir()
    model.chmod(0o777)
    mounted = {**volumes, "model": model, "verify-key": verify}
    copy, front = containers_of(overlay(tmp_path, "model-init", "signed", "embedded"))
    docker("run", "--rm", *as_container(copy, model_image, mounted))
    words = as_container(front, image("api-sign"), mounted)
    with started(*PUBLISHED, *words) as api:
        wait_until(lambda: is_ready(api), seconds=60)
        assert detect(api, KEY).status_code == 200
    (model / "model.bundle" / "model.sig").unlink()
    with started(*words) as api:
        assert api.wait() == 2
        assert "it has no signature" in api.log()
