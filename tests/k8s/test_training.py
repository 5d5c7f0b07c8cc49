"""Jobs find each other, end with umop's exit codes, and have time to save."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes_validate import validate

from serving.storage import is_address
from tests.k8s.manifests import (
    containers,
    containers_of,
    find,
    named,
    objects,
    with_component,
)
from umop.distributed.agent import SECONDS_TO_END, SECONDS_TO_STOP
from umop.system.exit_codes import MISTAKE, STOPPED

JOBS = ["train-job.yaml", "demo", "demo/two-pods"]


@pytest.mark.parametrize("name", JOBS)
def test_nodes_are_one_number(name: str) -> None:
    job = named(name, "Job")
    [trainer] = [each for each in containers(name) if each.spec["name"] == "trainer"]
    nodes = job["spec"]["completions"]
    assert job["spec"]["parallelism"] == nodes
    assert trainer.variables()["PET_NNODES"] == str(nodes)


@pytest.mark.parametrize("name", JOBS)
def test_pods_find_the_first_of_them(name: str) -> None:
    job, service = named(name, "Job"), named(name, "Service")
    [trainer] = [each for each in containers(name) if each.spec["name"] == "trainer"]
    variables = trainer.variables()
    called = job["metadata"]["name"]
    assert variables["PET_MASTER_ADDR"] == f"{called}-0.{service['metadata']['name']}"
    assert trainer.pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": called}
    [port] = service["spec"]["ports"]
    assert str(port["port"]) == variables["PET_MASTER_PORT"]


@pytest.mark.parametrize("name", [*JOBS, "kubeflow/runtime.yaml", "jobset/jobset.yaml"])
def test_exit_codes_are_those_of_umop(name: str) -> None:
    [policy] = (found for each in objects(name) for found in find(each, "podFailurePolicy"))
    actions = {
        (rule["onExitCodes"]["containerName"], code): rule["action"]
        for rule in policy["rules"]
        for code in rule.get("onExitCodes", {}).get("values", [])
    }
    names = [each.spec["name"] for each in containers(name)]
    [trains] = [each["name"] for each in containers(name)[0].pod["containers"]]
    mistaken = [each for each in names if each != "fetch"]  # the package index may be away
    assert actions == {
        **{(each, MISTAKE): "FailJob" for each in mistaken},
        (trains, STOPPED): "Ignore",
    }
    assert policy["rules"][-1] == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }


def test_the_demo_differs_only_where_it_says() -> None:
    ours, demo = named("train-job.yaml", "Job")["spec"], named("demo", "Job")["spec"]
    same = ("podReplacementPolicy", "backoffLimitPerIndex", "maxFailedIndexes")
    assert [ours[key] for key in same] == [demo[key] for key in same]
    pod, other = ours["template"]["spec"], demo["template"]["spec"]
    assert pod["securityContext"] == other["securityContext"]
    assert pod["containers"][0]["volumeMounts"] == other["containers"][0]["volumeMounts"]


@pytest.mark.parametrize("name", [*JOBS, "kubeflow/runtime.yaml", "jobset/jobset.yaml"])
def test_there_is_time_to_save(name: str) -> None:
    for each in containers(name):
        assert each.pod["terminationGracePeriodSeconds"] >= SECONDS_TO_STOP + SECONDS_TO_END


@pytest.mark.parametrize("name", ["train-job.yaml", "export-job.yaml"])
def test_with_object_storage_no_pod_has_a_claim(tmp_path: Path, name: str) -> None:
    made = with_component(tmp_path, name, "object-storage")
    assert not list(find(made, "persistentVolumeClaim"))
    [account] = [each for each in made if each["kind"] == "ServiceAccount"]
    for each in containers_of(made):
        volumes = {volume["name"] for volume in each.pod["volumes"]}
        assert {mount["name"] for mount in each.spec["volumeMounts"]} <= volumes
        assert each.pod["serviceAccountName"] == account["metadata"]["name"]
        variables = each.variables()
        assert all(is_address(variables[name]) for name in ("DATA", "UMOP_MIRROR"))
        assert not [name for name in variables if "KEY" in name or "SECRET" in name]
        assert "--data" not in each.words() or variables["DATA"] in each.command()
        validate(each.object, "1.30", strict=True)


def test_claims_of_one_node_differ_only_in_their_mode(tmp_path: Path) -> None:
    made = with_component(tmp_path, "storage.yaml", "read-write-once")
    for each in made:
        validate(each, "1.30", strict=True)
        assert each["spec"]["accessModes"] == ["ReadWriteOnce"]
        each["spec"]["accessModes"] = ["ReadWriteMany"]
    names = [each["metadata"]["name"] for each in made]
    assert made == [named("storage.yaml", "PersistentVolumeClaim", each) for each in names]
    assert len(made) == len(objects("storage.yaml"))


@pytest.mark.parametrize("name", ["data-pod.yaml", "export-job.yaml"])
def test_what_shares_a_trainings_claims_may_go_to_its_node(name: str) -> None:
    """Disks of one node are where the first pod was."""
    training, other = containers("train-job.yaml")[0].pod, containers(name)[0].pod
    assert other["tolerations"] == training["tolerations"]
