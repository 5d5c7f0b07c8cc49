"""What pods put on their node's disk is asked for, so that none is sent to a node without room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.k8s.manifests import (
    Container,
    containers,
    containers_of,
    find,
    named,
    overlay,
    quantity,
    with_component,
)

DISK = "ephemeral-storage"
SERVING = [
    "serving",
    "serving/overlays/gpu",
    "serving/overlays/candidate",
    "kserve/inferenceservice.yaml",
]


def disk(each: Container) -> float:
    """Bytes that its volumes may take on the node's disk."""
    found = [volume["emptyDir"] for volume in each.pod["volumes"] if "emptyDir" in volume]
    return sum(quantity(one["sizeLimit"]) for one in found if one.get("medium") != "Memory")


def asked(each: Container) -> float:
    """Bytes of disk that it asks for; its volumes have limits of their own."""
    assert DISK not in each.spec["resources"]["limits"]
    return quantity(each.spec["resources"]["requests"].get(DISK, 0))


@pytest.mark.parametrize("name", SERVING)
def test_what_serves_asks_for_as_much_as_small_nodes_have(name: str) -> None:
    for each in containers(name):
        assert 0 < asked(each) <= min(quantity("1Gi"), disk(each))


def test_a_model_from_an_init_container_counts(tmp_path: Path) -> None:
    for each in containers_of(overlay(tmp_path, "model-init")):
        assert 0 < asked(each) <= min(quantity("1Gi"), disk(each))


def test_training_without_claims_asks_for_room(tmp_path: Path) -> None:
    made = containers_of(with_component(tmp_path, "train-job.yaml", "object-storage"))
    [trainer] = [each for each in made if each.spec["name"] == "trainer"]
    assert quantity("10Gi") <= asked(trainer) <= disk(trainer)


def test_kueue_has_a_quota_of_all_that_a_training_asks_for(tmp_path: Path) -> None:
    [group] = named("kueue/queues.yaml", "ClusterQueue")["spec"]["resourceGroups"]
    covered = set(group["coveredResources"])
    assert {each["name"] for each in find(group, "resources")[0]} == covered
    made = containers_of(with_component(tmp_path, "train-job.yaml", "object-storage"))
    for each in [*made, *containers("jobset/jobset.yaml"), *containers("kubeflow/runtime.yaml")]:
        assert set(each.spec["resources"]["requests"]) <= covered
