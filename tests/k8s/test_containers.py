"""Each container's image, command, variables, rights and volumes are those of the code."""

from __future__ import annotations

import re

import pytest
from torch.distributed.run import get_args_parser
from typer.main import get_command

import serving.cli
import umop.cli
from serving.settings import Settings
from tests.k8s.manifests import ALL, ROOT, Container, containers, quantity
from tests.k8s.programs import parse
from umop.config.files import config_names

EVERY = [(name, each) for name in ALL for each in containers(name)]
every_container = pytest.mark.parametrize(
    ("name", "each"), EVERY, ids=[f"{name}:{each.name}" for name, each in EVERY]
)
AMD64 = {"kubernetes.io/arch": "amd64"}
VARIABLES = {"CONFIG", "RUN", "DATA", "OMP_NUM_THREADS", "STORAGE_URI"}


@every_container
def test_its_image_is_built(name: str, each: Container) -> None:
    bake = (ROOT / "docker" / "docker-bake.hcl").read_text()
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert f"/{each.image}:${{VERSION}}-${{variant}}" in bake
    assert version is not None
    variants = {"cpu", "cuda", "cpu-sign"} if each.image == "umop-api" else {"cpu", "cuda"}
    assert each.tag in {f"{version[1]}-{variant}" for variant in variants}
    if "UMOP_VERIFY_KEY" in each.variables() and each.image == "umop-api":
        assert each.tag.endswith("-sign")
    on_gpu = "nvidia.com/gpu" in each.spec["resources"].get("limits", {})
    assert not on_gpu or each.tag.endswith("-cuda")


@pytest.mark.parametrize(
    ("name", "each"), [(name, each) for name, each in EVERY if not name.startswith("demo")]
)
def test_its_pod_runs_where_its_image_does(name: str, each: Container) -> None:
    """The demo's images are built where it runs."""
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    both = "matrix.name == 'api' && matrix.variant != 'cuda' && 'linux/amd64,linux/arm64'"
    assert f"PLATFORMS: ${{{{ {both} || 'linux/amd64' }}}}" in release
    is_for_both = each.image == "umop-api" and not each.tag.endswith("-cuda")
    assert each.pod.get("nodeSelector") == (None if is_for_both else AMD64)


def test_images_have_one_prefix() -> None:
    bake = (ROOT / "docker" / "docker-bake.hcl").read_text()
    [prefix] = re.findall(r'variable "IMAGE_PREFIX" { default = "(.+)" }', bake)
    compose = (ROOT / "docker" / "compose.yaml").read_text()
    assert set(re.findall(r"IMAGE_PREFIX:-([^}]+)}", compose)) == {prefix}
    assert f"ghcr.io/\\L\\1|p'),{prefix})" in (ROOT / "Makefile").read_text()
    assert {each.spec["image"].rpartition("/")[0] for _, each in EVERY} == {prefix}


@every_container
def test_its_command_is_one(name: str, each: Container) -> None:
    command = each.command()
    if not command or command[0] == "sleep":
        return
    app = {"umop": umop.cli.app, "umop-serve": serving.cli.app}[command[0]]
    parse(get_command(app), command)
    if command[:2] == ["umop", "train"]:
        assert command[2] in config_names()


@every_container
def test_its_variables_are_read(name: str, each: Container) -> None:
    torchrun = {f"PET_{option.dest.upper()}" for option in get_args_parser()._actions}
    settings = {f"UMOP_{field.upper()}" for field in Settings.model_fields}
    known = VARIABLES | (
        settings if each.image.startswith(("umop-api", "umop-torchserve")) else torchrun
    )
    assert set(each.variables()) <= known


@every_container
def test_it_is_confined(name: str, each: Container) -> None:
    pod, own = each.pod["securityContext"], each.spec["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert {pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]} == {user_of(each.image)}
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert each.pod["automountServiceAccountToken"] is False
    assert each.pod["enableServiceLinks"] is False, "a service named umop would set UMOP_PORT"


def user_of(image: str) -> int:
    text = (ROOT / "docker" / f"{image.removeprefix('umop-')}.Dockerfile").read_text()
    user = re.search(r"^USER (\d+):\1$", text, re.M)
    assert user is not None
    return int(user[1])


@every_container
def test_what_it_writes_to_is_mounted(name: str, each: Container) -> None:
    writable = {one["mountPath"] for one in each.spec["volumeMounts"] if not one.get("readOnly")}
    assert "/tmp" in writable
    if each.image == "umop-train":
        assert "/home/umop" in writable
        assert {"/workspace/runs", "/workspace/cache"} & writable


@every_container
def test_memory_volumes_fit_into_its_limit(name: str, each: Container) -> None:
    volumes = {volume["name"]: volume for volume in each.pod["volumes"]}
    sizes = [
        quantity(volumes[mount["name"]]["emptyDir"]["sizeLimit"])
        for mount in each.spec["volumeMounts"]
        if volumes.get(mount["name"], {}).get("emptyDir", {}).get("medium") == "Memory"
    ]
    assert sum(sizes) < quantity(each.spec["resources"]["limits"]["memory"]) / 2
