"""The pipeline compiles, and asks for what the other manifests and the role give."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.manifests import ROOT, containers, find, named, objects

PYTHON = ROOT / ".venv-kfp" / "bin" / "python"
ROLE = "pipeline/role.yaml"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The pipeline and what is Kubernetes' own in it, as the docs compile them."""
    if not PYTHON.exists():
        pytest.skip("kfp is not installed: run make test-k8s")
    target = tmp_path_factory.mktemp("pipeline") / "pipeline.yaml"
    source = ROOT / "k8s" / "pipeline" / "pipeline.py"
    subprocess.run([PYTHON, source, target], check=True, capture_output=True, cwd=Path("/"))
    return list(yaml.safe_load_all(target.read_text()))


def test_it_uses_the_images_and_claims_of_training(compiled: list[dict[str, Any]]) -> None:
    used = {name for name in find(compiled, "image") if "umop" in name}
    assert used == {each.spec["image"] for each in containers("train-job.yaml")}
    claims = {name for mounts in find(compiled, "pvcMount") for name in find(mounts, "constant")}
    assert claims == {each["metadata"]["name"] for each in objects("storage.yaml")}


def test_no_step_is_answered_from_a_cache(compiled: list[dict[str, Any]]) -> None:
    options = find(compiled, "cachingOptions")
    assert len(options) == len(find(compiled, "executorLabel"))
    assert not any(options)


def test_each_step_waits_for_the_one_before(compiled: list[dict[str, Any]]) -> None:
    tasks = compiled[0]["root"]["dag"]["tasks"]
    order = ["check", "train", "evaluate", "compare", "export", "condition-1"]
    assert set(tasks) == set(order)
    for before, after in pairwise(order):
        assert tasks[after]["dependentTasks"] == [before]


def test_the_rollout_reaches_what_serves_alone_and_may(compiled: list[dict[str, Any]]) -> None:
    [words] = (each for each in find(compiled, "command") if each[:3] == ["kubectl", "set", "env"])
    serving = {
        f"deployment/{each['metadata']['name']}"
        for each in objects("serving")
        if each["kind"] == "Deployment"
    }
    assert serving == set(words[3:-1])
    [rule] = named(ROLE, "Role")["rules"]
    assert rule["resources"] == ["deployments"]
    assert {"list", "patch", "watch"} <= set(rule["verbs"])


def test_steps_run_where_their_image_does_and_are_not_moved(compiled: list[dict[str, Any]]) -> None:
    settings = compiled[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    steps = compiled[0]["deploymentSpec"]["executors"]
    mine = {name for name, each in steps.items() if "umop" in each["container"]["image"]}
    assert mine
    for name in mine:
        assert settings[name]["nodeSelector"] == {"labels": {"kubernetes.io/arch": "amd64"}}
        assert settings[name]["podMetadata"]["annotations"] == {
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "karpenter.sh/do-not-disrupt": "true",
        }


def test_each_step_is_bounded_and_without_rights(compiled: list[dict[str, Any]]) -> None:
    steps = compiled[0]["deploymentSpec"]["executors"]
    for step in steps.values():
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= step["container"]["resources"].keys()
    contexts = find(compiled[1], "securityContext")
    assert len(contexts) == len(steps)
    user = containers("train-job.yaml")[0].pod["securityContext"]["runAsUser"]
    assert all(each["runAsNonRoot"] and int(each["runAsUser"]) == user for each in contexts)
