"""What holds for every image, without running it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pip
import pytest

from tests.docker.containers import IMAGES, docker, files, image, inspect

ROOT = Path(__file__).parents[2]
LICENCES = ROOT / "docker" / "licences.py"
RUN_PYTHON = ("docker", "run", "--rm", "--network=none", "--entrypoint=python")

MEGABYTE = 1_000_000
LIMITS = {"api": 420 * MEGABYTE}
COMPILERS = re.compile(r"(^|/)bin/(\S+-)?(gcc|g\+\+|cc|c\+\+|clang|nvcc|ld|as|make)(-\d+)?$")
SECRETS = re.compile(r"(^|/)(\.netrc|\.npmrc|id_(rsa|ed25519)|\S*\.key|\.git|\.ssh/\S+)$")
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{100}")
KEY_BYTES = 20_000
CACHES = ("root/.cache/", "run/install", "tmp/", "wheels/")
LEFT_OUT = re.compile(r"requires (opencv-python|imagecorruptions-imaug), which is not installed")
"""What pyproject.toml excludes: the desktop OpenCV, in whose place is the headless one."""
WITHOUT_LICENCE = {"cuda-toolkit"}
"""It holds no files, and names only the packages of CUDA."""
USERS_OWN = ("home/umop", "workspace/runs", "workspace/cache", "workspace")


@pytest.fixture(scope="module", params=IMAGES)
def name(request: pytest.FixtureRequest) -> str:
    """One image after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def archive(name: str) -> Iterator[tarfile.TarFile]:
    """The image's files."""
    with files(name) as found:
        yield found


@pytest.fixture(scope="module")
def members(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Every file of the image."""
    return archive.getmembers()


def test_it_says_what_it_is(name: str) -> None:
    config = inspect(image(name))["Config"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"umop-{name.removesuffix('-sign')}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.version"]
    assert labels["org.opencontainers.image.base.name"]
    assert labels["org.opencontainers.image.base.digest"]
    assert config["User"] == "10001:10001"


@pytest.mark.parametrize("name", LIMITS)
def test_it_is_small(name: str) -> None:
    assert inspect(image(name))["Size"] < LIMITS[name]


def test_no_file_lends_its_owners_rights(members: list[tarfile.TarInfo]) -> None:
    lending = stat.S_ISUID | stat.S_ISGID
    assert [each.name for each in members if each.isfile() and each.mode & lending] == []


def test_the_user_can_write_only_where_it_should(members: list[tarfile.TarInfo]) -> None:
    writable = [
        each.name
        for each in members
        if not each.issym()
        and (each.uid == 10001 or each.mode & stat.S_IWOTH)
        and not each.mode & stat.S_ISVTX
        and not each.name.startswith(("dev/", "home/umop/"))
    ]
    assert set(writable) <= set(USERS_OWN)


def test_nothing_is_left_of_the_build(members: list[tarfile.TarInfo]) -> None:
    names = [each.name for each in members if each.isfile()]
    assert [each for each in names if COMPILERS.search(each)] == []
    assert [each for each in names if SECRETS.search(each)] == []
    assert [each for each in names if each.startswith(CACHES)] == []


def test_no_file_holds_a_private_key(archive: tarfile.TarFile) -> None:
    holding = [
        each.name
        for each in archive
        if each.isfile()
        and 100 < each.size < KEY_BYTES
        and PRIVATE_KEY.search(archive.extractfile(each).read())  # type: ignore[union-attr]
    ]
    assert holding == []


def test_its_packages_fit_together(name: str) -> None:
    """By this environment's pip, for images have none that sees their packages."""
    mount = f"--volume={Path(pip.__file__).parent}:/run/pip:ro"
    check = subprocess.run(
        [*RUN_PYTHON, mount, image(name), "/run/pip/__pip-runner__.py", "check"],
        capture_output=True,
        text=True,
    )
    complaints = [line for line in check.stdout.splitlines() if not LEFT_OUT.search(line)]
    assert complaints in ([], ["No broken requirements found."]), check.stderr


def test_the_licence_of_every_package_is_known(name: str) -> None:
    listed = docker(*RUN_PYTHON[1:], "--interactive", image(name), "-", input=LICENCES.read_text())
    assert "fastapi" in listed
    unknown = {line.split()[0] for line in listed.splitlines() if line.endswith("UNKNOWN")}
    assert unknown <= WITHOUT_LICENCE


def test_a_container_has_threads_for_its_limit() -> None:
    ask = "from serving.cpu_limit import cpu_limit; print(cpu_limit())"
    assert docker(*RUN_PYTHON[1:], "--cpus=1.5", image("api"), "-c", ask) == "2"


def test_two_builds_have_the_same_layers(tmp_path: Path) -> None:
    """The second without the builder's cache, a while later."""
    variables = {**os.environ, "IMAGE_PREFIX": "umop-again"}
    command = ["docker", "buildx", "bake", "--file=docker/docker-bake.hcl", "--no-cache", "api-cpu"]
    epoch = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run(command, cwd=ROOT, check=True, env={**variables, "SOURCE_DATE_EPOCH": epoch})
    again = f"umop-again/umop-api:{os.environ['VERSION']}-cpu"
    layers = inspect(again)["RootFS"]["Layers"]
    docker("rmi", again)
    assert layers == inspect(image("api"))["RootFS"]["Layers"]


def test_the_label_has_the_digest_of_the_base() -> None:
    digest = f"sha256:{'0' * 64}"
    variables = {**os.environ, "PYTHON_IMAGE": f"python:3.11-slim-bookworm@{digest}"}
    command = ["docker", "buildx", "bake", "--file=docker/docker-bake.hcl", "--print", "cpu"]
    shown = subprocess.run(
        command, cwd=ROOT, check=True, env=variables, capture_output=True, text=True
    )
    for target in json.loads(shown.stdout)["target"].values():
        assert target["args"]["BASE_DIGEST"] == digest
