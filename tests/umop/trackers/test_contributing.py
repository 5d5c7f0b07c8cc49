"""CONTRIBUTING.md shows how a tracker is added; this does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.contributing import copy_with_examples

SCRIPT = """
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import VISBACKENDS

from umop.runs.folder import RunFolder
from umop.trackers import vis_backends

config = Config({"visualizer": {"vis_backends": None}})
run = RunFolder(Path(sys.argv[1]))
kinds = [each["type"] for each in vis_backends(config, run, 0, {})]
[settings] = [
    each
    for each in vis_backends(config, run, 0, {"SCALARS_CSV": "1"})
    if each["type"] not in kinds
]
VISBACKENDS.build(settings).add_scalars({"loss": 0.5}, 3)
"""


def test_the_worked_example_of_a_tracker(tmp_path: Path) -> None:
    tree = copy_with_examples(tmp_path / "tree")
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    assert (tmp_path / "scalars.csv").read_text() == "loss,3,0.5\n"
