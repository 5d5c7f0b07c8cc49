"""Serving's manifests have the ports, routes, limits and times of the service."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.main import get_command

import serving.cli
from serving.backends.torchserve import CONNECTION_AGE
from serving.server.app import build_app, build_internal_app
from serving.settings import Settings
from serving.torchserve.config import Ports
from serving.torchserve.launcher import START_SECONDS, STOP_SECONDS
from tests.k8s.manifests import (
    COMPONENTS,
    Container,
    Object,
    containers,
    containers_of,
    find,
    named,
    objects,
    overlay,
    quantity,
    read,
)
from tests.k8s.programs import parse

SERVING = ["serving", "serving/overlays/gpu", "demo/serving"]
DNS = (53, 5353)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture
def front() -> tuple[Container, Settings]:
    """The container of the front, and the settings that it starts with."""
    [each] = [one for one in containers("serving") if one.image == "umop-api"]
    values = {name.removeprefix("UMOP_").lower(): value for name, value in each.variables().items()}
    return each, Settings(**values)


def test_the_front_has_time_to_drain(front: tuple[Container, Settings]) -> None:
    each, settings = front
    sleep = each.spec["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = sleep + settings.drain_delay + settings.drain_timeout
    assert each.pod["terminationGracePeriodSeconds"] > needed


def test_torchserve_has_time_to_drain() -> None:
    [each] = [one for one in containers("serving") if one.image == "umop-torchserve"]
    [drain] = (
        option.default
        for option in parse(
            get_command(serving.cli.app), ["umop-serve", "torchserve", "x"]
        ).command.params
        if option.name == "drain_timeout"
    )
    sleep = each.spec["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert each.pod["terminationGracePeriodSeconds"] >= sleep + drain + STOP_SECONDS
    assert sleep > CONNECTION_AGE, "no front is connected when it is told to stop"
    startup = each.spec["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= START_SECONDS


def test_the_fronts_probes_are_routes(front: tuple[Container, Settings]) -> None:
    each, settings = front
    app = build_app(settings.model_copy(update={"api_keys_file": None}))
    ports = {"http": TestClient(app), "internal": TestClient(build_internal_app(app))}
    for probe in PROBES:
        get = each.spec[probe]["httpGet"]
        assert ports[get["port"]].get(get["path"]).status_code != HTTPStatus.NOT_FOUND
    assert ports["internal"].get("/metrics").status_code == HTTPStatus.OK
    assert ports["http"].get("/metrics").status_code == HTTPStatus.NOT_FOUND


def test_kserves_probes_are_routes(front: tuple[Container, Settings]) -> None:
    client = TestClient(build_app(front[1].model_copy(update={"api_keys_file": None})))
    [each] = containers("kserve/inferenceservice.yaml")
    for probe in PROBES:
        path = each.spec[probe]["httpGet"]["path"]
        assert client.get(path).status_code != HTTPStatus.NOT_FOUND


def test_ports_are_those_that_are_listened_on(front: tuple[Container, Settings]) -> None:
    each, settings = front
    assert ports(each) == {"http": settings.port, "internal": settings.internal_port}
    [torchserve] = [one for one in containers("serving") if one.image == "umop-torchserve"]
    assert ports(torchserve) == {"inference": Ports().inference, "metrics": Ports().metrics}
    service = named("serving", "Service", "umop-torchserve")
    [port] = service["spec"]["ports"]
    assert settings.torchserve_url == f"http://{service['metadata']['name']}:{port['port']}"


def ports(each: Container) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in each.spec["ports"]}


@pytest.mark.parametrize("name", SERVING)
def test_bodies_fit_into_memory(name: str) -> None:
    [each] = [one for one in containers(name) if one.image == "umop-api"]
    values = {key.removeprefix("UMOP_").lower(): value for key, value in each.variables().items()}
    settings = Settings(**values)
    needed = settings.max_queue * settings.max_body_bytes
    assert 2 * needed < quantity(each.spec["resources"]["limits"]["memory"])


@pytest.mark.parametrize("name", SERVING)
def test_selectors_meet_pods(name: str) -> None:
    pods = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in objects(name)
        if "template" in each.get("spec", {})
    ]
    for each in objects(name):
        if each["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            assert any(selector(each).items() <= labels.items() for labels in pods)


def selector(each: Object) -> dict[str, str]:
    found: dict[str, Any] = each["spec"].get("selector") or each["spec"]["podSelector"]
    return found.get("matchLabels", found)


@pytest.mark.parametrize("name", SERVING)
def test_the_management_port_is_open_to_nobody(name: str) -> None:
    allowed = find([each for each in objects(name) if each["kind"] == "NetworkPolicy"], "port")
    assert set(allowed) == {"http", "internal", "inference", "metrics", *DNS}
    denied = named(name, "NetworkPolicy", "umop-serving")["spec"]
    assert denied["policyTypes"] == ["Ingress", "Egress"]
    assert not denied.keys() & {"ingress", "egress"}


@pytest.mark.parametrize(
    ("port", "namespace", "pod"),
    [
        (53, "kube-system", "kube-dns"),
        (53, "kube-system", "node-local-dns"),
        (5353, "openshift-dns", None),
        (53, "169.254.20.10", None),
        (53, "169.254.169.254", None),
    ],
)
def test_the_front_finds_torchserve_wherever_its_cluster_has_dns(
    port: int, namespace: str, pod: str | None
) -> None:
    egress = named("serving", "NetworkPolicy", "umop-api")["spec"]["egress"]
    rules = [each for each in egress if port in find(each, "port")]
    assert any(is_meant(peer, namespace, pod) for each in rules for peer in each["to"])
    assert all({one["protocol"] for one in each["ports"]} == {"UDP", "TCP"} for each in rules)


def is_meant(peer: Object, namespace: str, pod: str | None) -> bool:
    """Whether a peer of a policy is an address, or pods of a namespace."""
    if "ipBlock" in peer:
        return namespace[0].isdigit() and ip_address(namespace) in ip_network(
            peer["ipBlock"]["cidr"]
        )
    labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
    if labels.get("kubernetes.io/metadata.name") != namespace:
        return False
    chosen = peer.get("podSelector", {}).get("matchExpressions", [])
    return pod in chosen[0]["values"] if chosen else pod is None


@pytest.mark.parametrize("name", SERVING)
def test_what_is_autoscaled_has_no_number_of_replicas(name: str) -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for each in objects(name)
        if each["kind"] == "HorizontalPodAutoscaler"
    }
    for each in objects(name):
        if each["kind"] == "Deployment":
            assert ("replicas" in each["spec"]) == (each["metadata"]["name"] not in scaled)
            for one in each["spec"]["template"]["spec"]["containers"]:
                assert "cpu" in one["resources"]["requests"]


def test_gateways_take_what_the_service_takes() -> None:
    settings = Settings()
    [ingress] = read(COMPONENTS / "ingress" / "ingress.yaml")
    notes = {
        name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()
    }
    assert quantity(notes["proxy-body-size"].replace("m", "Mi")) >= settings.max_body_bytes
    assert float(notes["proxy-read-timeout"]) > settings.deadline
    [route] = read(COMPONENTS / "gateway" / "route.yaml")
    [rule] = route["spec"]["rules"]
    assert all(
        float(text.removesuffix("s")) > settings.deadline for text in rule["timeouts"].values()
    )


@pytest.mark.parametrize("order", [("model-claim", "signed"), ("signed", "model-claim")])
def test_signatures_are_checked_wherever_the_component_stands(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    for each in containers_of(overlay(tmp_path, *order)):
        assert each.variables().keys() >= {"UMOP_BUNDLE", "UMOP_VERIFY_KEY"}
        [folder] = [
            mount["mountPath"]
            for mount in each.spec["volumeMounts"]
            if mount["name"] == "verify-key"
        ]
        assert each.variables()["UMOP_VERIFY_KEY"] == f"{folder}/public.pem"
