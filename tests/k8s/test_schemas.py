"""Every manifest against the schemas of the versions of Kubernetes that are claimed."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import kubernetes_validate.utils
import pytest
from kubernetes_validate.utils import SchemaNotFoundError, ValidationError, all_versions
from packaging.version import Version

from tests.k8s.manifests import ALL, COMPONENTS, FOLDER, Object, named, objects, overlay, pods

VERSIONS = [each for each in dict.fromkeys(all_versions()) if Version(each) >= Version("1.30")]
EXTENSIONS = {
    "gateway.networking.k8s.io/v1",
    "jobset.x-k8s.io/v1alpha2",
    "kueue.x-k8s.io/v1beta2",
    "monitoring.coreos.com/v1",
    "serving.kserve.io/v1beta1",
    "trainer.kubeflow.org/v1alpha1",
}
"""Kinds that operators add to a cluster; Kubernetes itself has no schema of them."""
OPTIONAL = sorted(path.name for path in COMPONENTS.iterdir())
SOURCES = [name for name in OPTIONAL if name.startswith("model-")]
SINCE = {"image": Version("1.31")}
"""Kinds of volumes that are newer than the oldest version."""


@pytest.fixture(autouse=True)
def read_each_schema_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", cached_schema_contents)


cached_schema_contents = cache(kubernetes_validate.utils.schema_contents)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Each object of each manifest, and of the base with each component, once."""
    found = [each for name in ALL for each in objects(name)]
    for component in OPTIONAL:
        chosen = [component] if component in SOURCES else ["model-claim", component]
        found += overlay(tmp_path_factory.mktemp(component), *chosen)
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


def error(each: Object, version: str) -> str | None:
    """What is wrong with an object in a version of Kubernetes."""
    where = f"{each['kind']} {each['metadata']['name']}"
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except ValidationError as wrong:
        return None if is_newer(each, version) else f"{where}: {wrong.message}"
    except SchemaNotFoundError:
        return None if each["apiVersion"] in EXTENSIONS else f"{where}: there is no such kind"
    return None


def is_newer(each: Object, version: str) -> bool:
    """Whether an object has a volume that this version did not know yet."""
    volumes = [volume for pod in pods(each) for volume in pod["volumes"]]
    return any(
        kind in volume and Version(version) < since
        for volume in volumes
        for kind, since in SINCE.items()
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_each_claimed_version_takes_all(version: str, everything: list[Object]) -> None:
    assert not [found for each in everything if (found := error(each, version))]


def test_a_wrong_field_is_found() -> None:
    job = named("train-job.yaml", "Job")
    wrong = {**job, "spec": {**job["spec"], "podReplacement": "Failed"}}
    assert "podReplacement" in (error(wrong, VERSIONS[-1]) or "")


def test_style() -> None:
    command = [sys.executable, "-m", "yamllint", "--strict", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(FOLDER).parent)
    assert done.returncode == 0, done.stdout
