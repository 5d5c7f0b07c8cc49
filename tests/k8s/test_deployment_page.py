"""The commands of docs/deployment.md do what it says of the manifests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.k8s.manifests import ALL, ROOT, containers, containers_of, objects


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
    names = {f"prefix/{each.image}:{each.tag}" for name in ALL for each in containers(name)}
    assert names <= set(pushed.stdout.split())


def test_the_docs_name_files_that_are_there() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    named_files = set(re.findall(r"(?<!tests/)\bk8s/[\w/.-]*\w", text))
    assert named_files
    assert not [each for each in named_files if not Path(ROOT / each).exists()]
