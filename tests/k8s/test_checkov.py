"""checkov's rules for what a cluster should not be given; ``make test-k8s`` installs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.k8s.manifests import ALL, FOLDER, objects

CHECKOV = FOLDER.parent / ".venv-checkov" / "bin" / "checkov"
NOT_FOR_US = {
    "CKV_K8S_15": "pull policy: tags are versions, which do not change",
    "CKV_K8S_21": "namespace: the one that they are applied in",
    "CKV_K8S_43": "digests: they are the registry's; a release names versions",
    "CKV2_K8S_6": "policies by part-of and job-name, which the rule does not match; the export "
    "Job is reached by nobody, since it listens on nothing",
}


@pytest.mark.skipif(not CHECKOV.exists(), reason="make test-k8s installs checkov")
@pytest.mark.slow
def test_no_rule_is_broken(tmp_path: Path) -> None:
    for name in ALL:
        file = tmp_path / f"{name.replace('/', '-').removesuffix('.yaml')}.yaml"
        file.write_text(yaml.safe_dump_all(objects(name)))
    command = [CHECKOV, "--directory", tmp_path, "--framework", "kubernetes", "--skip-download"]
    done = subprocess.run(
        [*command, "--compact", "--quiet", "--skip-check", ",".join(NOT_FOR_US)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
