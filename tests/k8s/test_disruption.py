"""What the manifests do for the times when pods, nodes and whole services go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.k8s.manifests import Object, find, named, objects, overlay

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
TRAININGS = [
    "train-job.yaml",
    "demo",
    "demo/two-pods",
    "jobset/jobset.yaml",
    "kubeflow/runtime.yaml",
]
DEPLOYMENTS = ("umop-api", "umop-torchserve")
every_deployment = pytest.mark.parametrize("name", DEPLOYMENTS)


@every_deployment
def test_pods_spread_where_no_node_has_a_zone(name: str) -> None:
    [constraint] = constraints(named("serving", "Deployment", name))
    assert constraint["topologyKey"] == "kubernetes.io/hostname"


@every_deployment
def test_pods_spread_over_zones_where_that_is_asked_for(name: str, tmp_path: Path) -> None:
    deployment = deployment_of(overlay(tmp_path, "model-claim", "zones"), name)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    keys = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert [each["topologyKey"] for each in constraints(deployment)] == keys
    for each in constraints(deployment):
        assert each["labelSelector"]["matchLabels"].items() <= labels.items()
        assert each["matchLabelKeys"] == ["pod-template-hash"]


def test_a_front_without_torchserve_stays_in_its_service() -> None:
    front = named("serving", "Deployment", "umop-api")
    assert [probed(front, each) for each in ("startup", "readiness")] == ["/readyz", "/healthz"]


def test_a_front_that_runs_the_network_leaves_its_service_when_that_fails(tmp_path: Path) -> None:
    front = deployment_of(overlay(tmp_path, "model-claim", "embedded"), "umop-api")
    assert [probed(front, each) for each in ("startup", "readiness")] == ["/readyz", "/readyz"]


def probed(deployment: Object, probe: str) -> str:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return str(container[f"{probe}Probe"]["httpGet"]["path"])


@every_deployment
def test_an_update_that_changes_nothing_says_so(name: str) -> None:
    strategy = named("serving", "Deployment", name)["spec"]["strategy"]
    assert strategy["type"] == "RollingUpdate", "without it, each kubectl apply says configured"


@every_deployment
def test_the_autoscaler_may_empty_its_node(name: str) -> None:
    template = named("serving", "Deployment", name)["spec"]["template"]
    assert template["metadata"]["annotations"] == {SAFE_TO_EVICT: "true"}


@pytest.mark.parametrize("name", [*TRAININGS, "export-job.yaml"])
def test_autoscalers_leave_the_node_of_a_job_alone(name: str) -> None:
    templates = [each for each in find(list(objects(name)), "template") if is_of_pods(each)]
    assert templates
    for each in templates:
        assert each["metadata"]["annotations"] == {SAFE_TO_EVICT: "false", DO_NOT_DISRUPT: "true"}


def is_of_pods(template: Object) -> bool:
    return "containers" in template["spec"]


def deployment_of(objects: list[Object], name: str) -> Object:
    [found] = (
        each
        for each in objects
        if each["kind"] == "Deployment" and each["metadata"]["name"] == name
    )
    return found


def constraints(deployment: Object) -> list[Object]:
    found: list[Object] = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    return found
