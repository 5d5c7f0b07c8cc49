"""What the manifests of training run, in the images: the same commands, user, root and mounts.

Two containers on a network of Docker's are the two pods of k8s/demo/two-pods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from shutil import make_archive

import pytest
import torch

from tests.docker.containers import Container, docker, image, started
from tests.docker.squares import ITERATIONS, iterations, write_data
from tests.k8s import manifests
from tests.k8s.manifests import containers, named
from tests.k8s.pods import as_container
from tests.serving.waiting import wait_until
from umop.system.exit_codes import FAILURE, MISTAKE, STOPPED

NODES = 2


def of(name: str, container: str) -> manifests.Container:
    """The container of that name in a manifest."""
    [found] = (each for each in containers(name) if each.spec["name"] == container)
    return found


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each claim; data is where the demo has it."""
    root = tmp_path_factory.mktemp("claims")
    folders = {name: root / name for name in ("data", "runs", "cache")}
    for folder in folders.values():
        folder.mkdir()
        folder.chmod(0o777)
    write_data(folders["data"] / "crowns")
    return folders


class Pods:
    """Starts the two trainers of k8s/demo/two-pods on a network."""

    def __init__(self, stack: ExitStack, network: str, claims: dict[str, Path]) -> None:
        self._stack = stack
        self._network = network
        self._claims = claims

    def start(self, run: str) -> list[Container]:
        """Starts both; the first is found by the name that the headless service gives it."""
        trainer = of("demo/two-pods", "trainer")
        variables = {"CONFIG": "data/crowns/squares.py", "RUN": run, "OMP_NUM_THREADS": "1"}
        pods = []
        for rank in range(NODES):
            alias = f"--network-alias=umop-train-{rank}.umop-train"
            words = as_container(
                trainer, image("train"), self._claims, **variables, PET_NODE_RANK=str(rank)
            )
            pods.append(
                self._stack.enter_context(started(f"--network={self._network}", alias, *words))
            )
        return pods

    def run(self, run: str) -> Path:
        """The folder of a run."""
        return self._claims["runs"] / run


@pytest.fixture
def pods(network: str, claims: dict[str, Path]) -> Iterator[Pods]:
    with ExitStack() as stack:
        yield Pods(stack, network, claims)


@pytest.mark.timeout(600)  # eight starts of training
def test_pods_that_die_end_with_the_same_weights(pods: Pods) -> None:
    undisturbed = pods.start("undisturbed")
    assert codes(undisturbed) == [0, 0]

    disturbed = pods.start("disturbed")
    wait_for(disturbed, pods.run("disturbed"), 15)
    docker("kill", disturbed[1].id)
    assert codes(disturbed) == [STOPPED, 137], "the first notices that the second is gone"

    restart(disturbed)
    wait_for(disturbed, pods.run("disturbed"), 30)
    assert disturbed[1].stop() == STOPPED, disturbed[1].log()
    assert disturbed[0].wait() == STOPPED, disturbed[0].log()

    restart(disturbed)
    assert codes(disturbed) == [0, 0]
    assert iterations(pods.run("disturbed")) == ITERATIONS
    assert weights(pods.run("disturbed")) == weights(pods.run("undisturbed"))


def codes(pods: list[Container]) -> list[int]:
    """Waits until all have ended; returns their exit codes."""
    ended = [each.wait() for each in pods]
    print(*(each.log() for each in pods), sep="\n")
    return ended


def restart(pods: list[Container]) -> None:
    """What the Job does: the same pods again."""
    for each in pods:
        docker("start", each.id)


def wait_for(pods: list[Container], run: Path, iteration: int) -> None:
    """Waits until training is so far; fails where a pod has ended."""

    def is_there() -> bool:
        for each in pods:
            assert each.state()["Running"], each.log()
        return iterations(run) >= iteration

    wait_until(is_there, seconds=240)


def weights(run: Path) -> dict[str, str]:
    """The digest of each tensor of the network in the last checkpoint."""
    checkpoint = torch.load(run / f"iter_{ITERATIONS}.pth", weights_only=False)
    return {
        name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
        for name, tensor in checkpoint["state_dict"].items()
    }


@pytest.mark.parametrize("name", ["train-job.yaml", "demo"])
def test_data_is_checked_before_training(name: str, claims: dict[str, Path]) -> None:
    words = as_container(of(name, "check"), image("train"), claims, DATA="/workspace/data/crowns")
    assert "tree" in docker("run", "--rm", *words)


@pytest.fixture
def data_alone(claims: dict[str, Path]) -> dict[str, Path]:
    """The claims, with the data set at the top of its own, where manifests without DATA look."""
    return {**claims, "data": claims["data"] / "crowns"}


@pytest.mark.parametrize("name", ["jobset/jobset.yaml", "kubeflow/runtime.yaml"])
def test_other_engines_check_the_data(name: str, data_alone: dict[str, Path]) -> None:
    words = as_container(of(name, "check"), image("train"), data_alone)
    assert "tree" in docker("run", "--rm", *words)


def test_other_engines_start_training(data_alone: dict[str, Path]) -> None:
    """As far as it goes without a GPU, which their config is made for."""
    runtime = of("kubeflow/runtime.yaml", "node")
    command = named("kubeflow/trainjob.yaml", "TrainJob")["spec"]["trainer"]["command"]
    node = replace(runtime, spec={**runtime.spec, "command": command})
    for trainer in (node, of("jobset/jobset.yaml", "trainer")):
        words = as_container(trainer, image("train"), data_alone, PET_NNODES="1", PET_NODE_RANK="0")
        with started(*words) as container:
            assert container.wait() == FAILURE
            assert "No GPU was found" in container.log()


def test_the_jobs_train_on_a_zip_and_export(claims: dict[str, Path]) -> None:
    make_archive(str(claims["data"] / "crowns"), "zip", claims["data"] / "crowns")
    variables = {
        "CONFIG": "data/crowns/squares.py",
        "RUN": "exported",
        "DATA": "/workspace/data/crowns.zip",
        "PET_NODE_RANK": "0",
        "OMP_NUM_THREADS": "1",
    }
    for each in (of("train-job.yaml", "trainer"), of("export-job.yaml", "export")):
        docker("run", "--rm", *as_container(each, image("train"), claims, **variables))
    assert (claims["runs"] / "exported" / "exported.bundle" / "manifest.json").is_file()


def test_wrong_data_ends_as_the_failure_policy_says(claims: dict[str, Path]) -> None:
    words = as_container(of("train-job.yaml", "check"), image("train"), claims, DATA="nowhere")
    with started(*words) as check:
        assert check.wait() == MISTAKE


def test_weights_are_fetched_before_training(claims: dict[str, Path]) -> None:
    weights = of("train-job.yaml", "weights")
    words = as_container(weights, image("train"), claims, CONFIG="demo")
    assert "tf_efficientnet_lite0.pth" in docker("run", "--rm", *words)
    with started(*as_container(weights, image("train"), claims, CONFIG="r51")) as mistaken:
        assert mistaken.wait() == MISTAKE


def test_the_images_that_are_there_are_not_fetched_again(claims: dict[str, Path]) -> None:
    photo = claims["data"] / "crowns" / "photo.png"
    photo.touch()
    words = as_container(of("demo", "fetch"), image("train"), claims)
    docker("run", "--rm", *words)
    assert (claims["cache"] / "weights" / "tf_efficientnet_lite0.pth").is_file()
    assert photo.stat().st_size == 0
