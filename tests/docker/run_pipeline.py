"""Runs ``k8s/pipeline/pipeline.py`` with Docker: a program of the environment that has kfp.

Usage: run_pipeline.py PIPELINE.PY PARAMETERS.JSON DATA RUNS
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from typing import Any

from docker.models.containers import ContainerCollection
from docker.types import Mount
from kfp import local

import docker

LABEL = "umop-test-pipeline"
run_container = ContainerCollection.run


def run_as_kubernetes_does(self: ContainerCollection, command: list[str], **options: Any) -> Any:
    """Has a step's command replace the image's own, and its container stay until it was asked.

    kfp takes a container that is gone already for one that succeeded.
    """
    options |= {"auto_remove": False, "labels": [LABEL]}
    return run_container(self, entrypoint=command[0], command=command[1:], **options)


def main(source: str, parameters: str, data: str, runs: str) -> None:
    ContainerCollection.run = run_as_kubernetes_does
    found = importlib.util.spec_from_file_location("pipeline", source)
    pipeline = importlib.util.module_from_spec(found)
    found.loader.exec_module(pipeline)
    owner = os.getuid() or 10001
    runner = local.DockerRunner(
        mounts=[
            Mount("/workspace/data", data, type="bind", read_only=True),
            Mount("/workspace/runs", runs, type="bind"),
        ],
        tmpfs={"/workspace/cache": "mode=1777"},
        user=f"{owner}:{owner}",
        network_mode="none",
    )
    with tempfile.TemporaryDirectory() as root:
        local.init(runner, pipeline_root=root, workspace_root=root)
        try:
            pipeline.umop(**json.loads(parameters))
        finally:
            for container in docker.from_env().containers.list(all=True, filters={"label": LABEL}):
                container.remove(force=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
