"""What holds for every image, without running it."""

from __future__ import annotations

import re
import stat
import subprocess
import tarfile

import pytest

from tests.docker.containers import IMAGES, files, image, inspect

MEGABYTE = 1_000_000
LIMITS = {"api": 400 * MEGABYTE}
COMPILERS = re.compile(r"(^|/)bin/(\S+-)?(gcc|g\+\+|cc|c\+\+|clang|nvcc|ld|as|make)(-\d+)?$")
SECRETS = re.compile(r"(^|/)(\.netrc|\.npmrc|id_(rsa|ed25519)|\S*\.key|\.git|\.ssh/\S+)$")
CACHES = ("root/.cache/", "run/install", "tmp/", "wheels/")
LEFT_OUT = re.compile(r"requires (opencv-python|imagecorruptions-imaug), which is not installed")
"""What pyproject.toml excludes: the desktop OpenCV, in whose place is the headless one."""
USERS_OWN = ("home/umop", "workspace/runs", "workspace/cache", "workspace")


@pytest.fixture(scope="module", params=IMAGES)
def name(request: pytest.FixtureRequest) -> str:
    """One image after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def members(name: str) -> list[tarfile.TarInfo]:
    """Every file of the image."""
    with files(name) as found:
        return found


def test_it_says_what_it_is(name: str) -> None:
    config = inspect(image(name))["Config"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"umop-{name}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.version"]
    assert labels["org.opencontainers.image.base.name"]
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


def test_its_packages_fit_together(name: str) -> None:
    if name == "api":
        pytest.skip("it has no pip; its packages are those of requirements/api.txt")
    command = ["docker", "run", "--rm", "--entrypoint=pip", image(name)]
    check = subprocess.run(
        [*command, "--python=/opt/umop/bin/python", "check"], capture_output=True, text=True
    )
    complaints = [line for line in check.stdout.splitlines() if not LEFT_OUT.search(line)]
    assert complaints in ([], ["No broken requirements found."])
