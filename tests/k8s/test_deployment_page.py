"""The commands of docs/deployment.md do what it says of the manifests."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.k8s.manifests import (
    ALL,
    ROOT,
    Object,
    containers,
    containers_of,
    find,
    objects,
    overlay,
    with_component,
)

KINDS = {
    "deployment": "Deployment",
    "service": "Service",
    "hpa": "HorizontalPodAutoscaler",
    "pdb": "PodDisruptionBudget",
    "networkpolicy": "NetworkPolicy",
}


def second_training() -> bytes:
    text = (ROOT / "docs" / "deployment.md").read_text()
    [command] = re.findall(r"^(sed -E .*k8s/train-job.yaml) \|", text, re.M)
    return subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True).stdout


def test_a_second_training_shares_no_name() -> None:
    first, second = objects("train-job.yaml"), list(yaml.safe_load_all(second_training()))
    assert {each["kind"] for each in second} == {each["kind"] for each in first}
    [image] = {each.spec["image"] for each in containers_of(second)}
    assert image == containers_of(first)[0].spec["image"]
    assert "umop-train" not in str(second).replace(image, "")
    assert {each.variables()["RUN"] for each in containers_of(second)} == {"trees"}


def test_nor_has_it_a_claim_with_object_storage(tmp_path: Path) -> None:
    made = with_component(tmp_path, "train-job.yaml", "object-storage", second_training())
    assert {each["metadata"]["name"] for each in made if each["kind"] == "Job"} == {"umop-trees"}
    assert not list(find(made, "persistentVolumeClaim"))
    assert all("UMOP_MIRROR" in each.variables() for each in containers_of(made))


@pytest.mark.parametrize("file", ["docs/deployment.md", "k8s/storage.yaml"])
def test_claims_can_be_of_one_node(file: str) -> None:
    [command] = re.findall(r"(sed \S+ k8s/storage.yaml) \|", (ROOT / file).read_text())
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    claims = [each for each in yaml.safe_load_all(done.stdout) if each]
    assert len(claims) == len(objects("storage.yaml"))
    assert all(each["spec"]["accessModes"] == ["ReadWriteOnce"] for each in claims)


def test_the_demo_exports_on_any_node() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    [command] = re.findall(r"^(sed -e .* k8s/export-job.yaml) \|", text, re.M)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    [container] = containers_of([yaml.safe_load(done.stdout)])
    assert container.variables()["RUN"] == "demo"
    assert "nodeSelector" not in container.pod
    assert "nodeSelector" in containers("export-job.yaml")[0].pod


def test_what_another_way_of_serving_leaves_is_deleted(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    gpu, embedded = re.findall(r"^kubectl delete (\S+) umop-torchserve +# \w", text, re.M)
    before = kinds(objects("serving"))
    assert {KINDS[each] for each in gpu.split(",")} == before - kinds(
        objects("serving/overlays/gpu")
    )
    after = kinds(overlay(tmp_path, "model-claim", "embedded"))
    assert {KINDS[each] for each in embedded.split(",")} == before - after == before


def kinds(made: Sequence[Object]) -> set[str]:
    """Kinds of what there is of TorchServe."""
    return {each["kind"] for each in made if each["metadata"]["name"] == "umop-torchserve"}


def test_the_docs_wait_for_both_deployments() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    waits = re.findall(r"^.*kubectl rollout status deployment/umop-api$", text, re.M)
    both = "kubectl rollout status deployment/umop-torchserve && {0}"
    assert waits
    assert set(waits) == {both.format("kubectl rollout status deployment/umop-api")}


def test_the_docs_push_every_image() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    [pushes] = re.findall(r"^make images && .*\n((?:.+\n)+)make manifests$", text, re.M)
    script = f"docker() {{ echo $2; }}\nIMAGE_PREFIX=prefix\n{pushes}"
    pushed = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    names = {f"prefix/{each.image}:{each.tag}" for name in ALL for each in containers(name)}
    assert names <= set(pushed.stdout.split())


def test_the_docs_name_files_that_are_there() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    named_files = set(re.findall(r"(?<!tests/)\bk8s/[\w/.-]*\w", text))
    assert named_files
    assert not [each for each in named_files if not Path(ROOT / each).exists()]
