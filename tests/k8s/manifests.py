"""The manifests under k8s/, as a cluster gets them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "k8s"
COMPONENTS = FOLDER / "serving" / "components"
KUSTOMIZATIONS = sorted(
    path.parent.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("kustomization.yaml")
    if "kind: Component" not in path.read_text() and path.parent.name != "base"
)
FILES = sorted(
    path.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("*.yaml")
    if not any((parent / "kustomization.yaml").exists() for parent in path.parents)
)
"""Manifests that are applied by themselves, with kubectl apply -f."""
ALL = [*FILES, *KUSTOMIZATIONS]

Object = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """A container in a manifest, with what its pod gives it.

    Attributes:
        object: The object whose template makes the pod.
        pod: The pod's specification.
        spec: The container's own.
        config: The data of the ConfigMaps that its environment comes from.
    """

    object: Object
    pod: Object
    spec: Object
    config: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.object['kind']}/{self.object['metadata']['name']}/{self.spec['name']}"

    @property
    def image(self) -> str:
        """Its image's name, without registry and tag: umop-api."""
        return str(self.spec["image"]).rpartition("/")[2].partition(":")[0]

    @property
    def tag(self) -> str:
        return str(self.spec["image"]).rpartition(":")[2]

    def variables(self) -> dict[str, str]:
        """Its environment; what the cluster fills in is an example of it."""
        own = {each["name"]: each.get("value", "1") for each in self.spec.get("env", [])}
        return {**self.config, **own}

    def words(self) -> list[str]:
        """Its command and arguments, as they are written."""
        return [*self.spec.get("command", []), *self.spec.get("args", [])]

    def command(self) -> list[str]:
        """Its command and arguments, with $(NAME) filled in as the kubelet does."""
        return [expand(word, self.variables()) for word in self.words()]


def expand(word: str, variables: dict[str, str]) -> str:
    """Fills in $(NAME); a name that is unknown stays, as in a cluster."""
    for name, value in variables.items():
        word = word.replace(f"$({name})", value)
    return word


@cache
def objects(name: str) -> tuple[Object, ...]:
    """The objects of a file, or those that a kustomization makes."""
    path = FOLDER / name
    text = path.read_text() if path.is_file() else kustomize(path)
    return tuple(each for each in yaml.safe_load_all(text) if each)


def read(path: Path) -> list[Object]:
    """The objects of a file, also of one that is applied only as part of a kustomization."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


@cache
def kustomize(folder: Path) -> str:
    """What ``kubectl apply -k`` would send."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    return subprocess.run(
        ["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True
    ).stdout


def overlay(folder: Path, *components: str) -> list[Object]:
    """The objects of the serving's base with components; ``folder`` takes the kustomization."""
    text = {
        "resources": [os.path.relpath(FOLDER / "serving" / "base", folder)],
        "components": [os.path.relpath(COMPONENTS / each, folder) for each in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(text))
    return [each for each in yaml.safe_load_all(kustomize(folder)) if each]


def with_component(
    folder: Path, name: str, component: str, edited: bytes | None = None
) -> list[Object]:
    """The objects of a file, or of what it was edited to, with a component in ``folder``."""
    (folder / name).write_bytes((FOLDER / name).read_bytes() if edited is None else edited)
    path = os.path.relpath(FOLDER / "components" / component, folder)
    text = {"resources": [name], "components": [path]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(text))
    return [each for each in yaml.safe_load_all(kustomize(folder)) if each]


def named(name: str, kind: str, called: str | None = None) -> Object:
    """The one object of a kind in a manifest, or the one of that name."""
    [found] = (
        each
        for each in objects(name)
        if each["kind"] == kind and called in (None, each["metadata"]["name"])
    )
    return found


def containers(name: str) -> list[Container]:
    """Every container of a manifest, those of initialisation too."""
    return containers_of(objects(name))


def containers_of(objects: Sequence[Object]) -> list[Container]:
    """Every container that objects make, those of initialisation too."""
    configs = {
        each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"
    }
    return [
        Container(owner, pod, spec, config_of(spec, configs))
        for owner in objects
        for pod in pods(owner)
        for spec in [*pod.get("initContainers", []), *pod["containers"]]
    ]


def config_of(spec: Object, configs: dict[str, dict[str, str]]) -> dict[str, str]:
    sources = [each["configMapRef"]["name"] for each in spec.get("envFrom", [])]
    return {key: value for source in sources for key, value in configs[source].items()}


def pods(value: Any) -> Iterator[Object]:
    """The specifications of pods, wherever an object has them."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from pods(each)


def quantity(text: str) -> float:
    """Bytes, cores or pieces that a quantity such as 20Gi or 500m stands for."""
    units = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    unit = next((unit for unit in units if str(text).endswith(unit)), "")
    return float(str(text).removesuffix(unit)) * units.get(unit, 1)


def find(value: Any, key: str) -> list[Any]:
    """What stands under a key, at any depth."""
    if isinstance(value, list):
        return [found for each in value for found in find(each, key)]
    if not isinstance(value, dict):
        return []
    below = [found for each in value.values() for found in find(each, key)]
    return ([value[key]] if key in value else []) + below
