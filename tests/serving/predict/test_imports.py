"""``umop predict`` runs where nothing but what serving needs is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.serving.images import TWO_SQUARES, encode

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from importlib.metadata import packages_distributions

INSTALLED = set(sys.argv.pop(1).split())
BLOCKED = {
    package
    for package, names in packages_distributions().items()
    if not {name.lower().replace("_", "-") for name in names} & INSTALLED
}


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED - {"umop", "serving"}:
            raise ImportError(f"{name} is not installed to serve")


sys.meta_path.insert(0, Block())
assert {"torch", "mmdet", "yaml"} <= BLOCKED, BLOCKED

from umop.cli import main

main()
"""


def test_with_the_packages_of_serving_alone_it_finds_objects(bundle_path: Path) -> None:
    """Every other package of this environment cannot be imported."""
    lock = (ROOT / "requirements" / "serve.txt").read_text()
    installed = " ".join(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    command = [sys.executable, "-c", SCRIPT, installed, "predict", str(bundle_path), "-"]
    done = subprocess.run(command, input=encode(TWO_SQUARES), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    [found] = json.loads(done.stdout)["results"]
    assert len(found["detections"]) >= 2
