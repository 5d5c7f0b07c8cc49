"""A second model beside the one that serves: neither takes the other's pods or requests."""

from __future__ import annotations

import pytest

from tests.k8s.manifests import COMPONENTS, Object, named, objects, overlay, read

SERVING, CANDIDATE = "serving", "serving/overlays/candidate"


def pod_labels(name: str) -> list[dict[str, str]]:
    found = (each for each in objects(name) if each["kind"] == "Deployment")
    return [each["spec"]["template"]["metadata"]["labels"] for each in found]


def selectors(name: str) -> list[dict[str, str]]:
    """What the services, policies and budgets of a kustomization select pods by."""
    specs = [each["spec"] for each in objects(name) if "spec" in each]
    chosen = [spec.get("podSelector", spec.get("selector")) for spec in specs]
    return [each.get("matchLabels", each) for each in chosen if each]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_nothing_of_the_candidate_takes_a_pod_that_serves() -> None:
    [own], others = pod_labels(CANDIDATE), pod_labels(SERVING)
    for selector in selectors(CANDIDATE):
        assert matches(selector, own)
        assert not any(matches(selector, labels) for labels in others)


def test_of_what_serves_only_the_policy_that_denies_all_holds_for_the_candidate() -> None:
    [own] = pod_labels(CANDIDATE)
    part = {"app.kubernetes.io/part-of": "umop-serving"}
    assert [each for each in selectors(SERVING) if matches(each, own)] == [part]


def test_the_two_share_no_object_that_one_would_delete() -> None:
    def names(name: str) -> set[tuple[str, str]]:
        return {(each["kind"], each["metadata"]["name"]) for each in objects(name)}

    assert not names(SERVING) & names(CANDIDATE)


def test_it_runs_its_own_bundle_and_what_it_refers_to_is_there() -> None:
    pod = named(CANDIDATE, "Deployment")["spec"]["template"]["spec"]
    classes = {each["metadata"]["name"] for each in objects(SERVING)}
    assert pod["priorityClassName"] in classes
    [api] = pod["containers"]
    names = [each["configMapRef"]["name"] for each in api["envFrom"]]
    settings = {
        key: value
        for name in names
        for key, value in named(CANDIDATE, "ConfigMap", name)["data"].items()
    }
    assert settings["UMOP_BUNDLE"] == "/models/candidate/candidate.bundle"
    assert settings["UMOP_BACKEND"] == "embedded"


def test_its_metrics_are_found() -> None:
    monitors = read(COMPONENTS / "monitoring" / "scrape.yaml")
    [selector] = (
        each["spec"]["selector"]["matchLabels"]
        for each in monitors
        if (each["kind"], each["metadata"]["name"]) == ("ServiceMonitor", "umop-api")
    )
    service = named(CANDIDATE, "Service", "umop-api-internal-candidate")
    assert matches(selector, service["metadata"]["labels"])


@pytest.fixture
def route(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Object:
    """The rule of the gateway's route, with the component of that name."""
    folder = tmp_path_factory.mktemp(request.param)
    made = overlay(folder, "model-claim", "gateway", request.param)
    [found] = (each for each in made if each["kind"] == "HTTPRoute")
    [rule] = found["spec"]["rules"]
    return dict(rule)


@pytest.mark.parametrize("route", ["canary"], indirect=True)
def test_a_canary_gets_a_share(route: Object) -> None:
    weights = {each["name"]: each["weight"] for each in route["backendRefs"]}
    assert weights == {"umop-api": 95, "umop-api-candidate": 5}
    for each in route["backendRefs"]:
        source = CANDIDATE if each["name"].endswith("candidate") else SERVING
        [port] = named(source, "Service", each["name"])["spec"]["ports"]
        assert port["port"] == each["port"]


@pytest.mark.parametrize("route", ["shadow"], indirect=True)
def test_a_shadow_gets_copies(route: Object) -> None:
    assert [each["name"] for each in route["backendRefs"]] == ["umop-api"]
    [mirror] = route["filters"]
    target = mirror["requestMirror"]["backendRef"]
    [port] = named(CANDIDATE, "Service", target["name"])["spec"]["ports"]
    assert port["port"] == target["port"]
