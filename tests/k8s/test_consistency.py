"""What schemas cannot see: the names, ports, paths and numbers in manifests are the code's."""

from __future__ import annotations

import re
import subprocess
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from torch.distributed.run import get_args_parser
from typer.main import get_command

import serving.cli
import umop.cli
from serving.backends.torchserve import CONNECTION_AGE
from serving.server.app import build_app, build_internal_app
from serving.settings import Settings
from serving.torchserve.config import Ports
from serving.torchserve.launcher import START_SECONDS, STOP_SECONDS
from tests.k8s.manifests import (
    ALL,
    COMPONENTS,
    FOLDER,
    Container,
    Object,
    containers,
    containers_of,
    named,
    objects,
    overlay,
    quantity,
    read,
)
from umop.config.files import config_names
from umop.distributed.agent import SECONDS_TO_END, SECONDS_TO_STOP
from umop.system.exit_codes import MISTAKE, STOPPED

ROOT = FOLDER.parent
JOBS = ["train-job.yaml", "demo", "demo/two-pods"]
SERVING = ["serving", "serving/overlays/gpu", "demo/serving"]
EVERY = [(name, each) for name in ALL for each in containers(name)]
every_container = pytest.mark.parametrize(
    ("name", "each"), EVERY, ids=[f"{name}:{each.name}" for name, each in EVERY]
)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
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


def parse(command: Any, words: list[str]) -> Any:
    """Parses a command line as the program does, and runs nothing.

    Raises:
        UsageError: It does not take it.
    """
    context = command.make_context(words[0], words[1:])
    if hasattr(command, "resolve_command"):  # a group: typer has a click of its own
        name, chosen, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert chosen is not None
        return parse(chosen, [str(name), *rest])
    return context


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


def find(value: Any, key: str) -> list[Any]:
    """What stands under a key, at any depth."""
    if isinstance(value, list):
        return [found for each in value for found in find(each, key)]
    if not isinstance(value, dict):
        return []
    below = [found for each in value.values() for found in find(each, key)]
    return ([value[key]] if key in value else []) + below


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
    assert set(allowed) == {"http", "internal", "inference", "metrics", 53}
    denied = named(name, "NetworkPolicy", "umop-serving")["spec"]
    assert denied["policyTypes"] == ["Ingress", "Egress"]
    assert not denied.keys() & {"ingress", "egress"}


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


def test_a_second_training_shares_no_name() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    [command] = re.findall(r"^(sed -E .*k8s/train-job.yaml) \|", text, re.M)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    first, second = objects("train-job.yaml"), list(yaml.safe_load_all(done.stdout))
    assert {each["kind"] for each in second} == {each["kind"] for each in first}
    [image] = {each.spec["image"] for each in containers_of(second)}
    assert image == containers_of(first)[0].spec["image"]
    assert "umop-train" not in str(second).replace(image, "")
    assert {each.variables()["RUN"] for each in containers_of(second)} == {"trees"}


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


@pytest.mark.parametrize("file", ["docs/deployment.md", "k8s/storage.yaml"])
def test_claims_can_be_of_one_node(file: str) -> None:
    [command] = re.findall(r"(sed \S+ k8s/storage.yaml) \|", (ROOT / file).read_text())
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    claims = [each for each in yaml.safe_load_all(done.stdout) if each]
    assert len(claims) == len(objects("storage.yaml"))
    assert all(each["spec"]["accessModes"] == ["ReadWriteOnce"] for each in claims)


def test_the_docs_push_every_image() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    [pushes] = re.findall(r"^make images && .*\n((?:.+\n)+)make manifests$", text, re.M)
    script = f"docker() {{ echo $2; }}\nIMAGE_PREFIX=prefix\n{pushes}"
    pushed = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    names = {f"prefix/{each.image}:{each.tag}" for _, each in EVERY}
    assert names <= set(pushed.stdout.split())


def test_the_docs_name_files_that_are_there() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    named_files = set(re.findall(r"\bk8s/[\w/.-]*\w", text))
    assert named_files
    assert not [each for each in named_files if not Path(ROOT / each).exists()]
