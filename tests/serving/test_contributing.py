"""A new engine or output format costs what CONTRIBUTING.md says: one file, one registration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contributing import copy_with_examples
from tests.serving.images import TWO_SQUARES, encode

SCRIPT = """
import sys
from time import sleep

from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings

with TestClient(build_app(Settings(bundle=sys.argv[1], engine="reference"))) as client:
    while client.get("/readyz").status_code != 200:
        sleep(0.2)
    image = sys.stdin.buffer.read()
    for query in ({"format": "yolo"}, {}):
        query["score_threshold"] = 0.95
        headers = {"Accept": "text/plain"}
        answer = client.post("/detect", params=query, content=image, headers=headers)
        print(answer.headers["content-type"], *sorted(answer.text.splitlines()), sep="\\n")
    files = [("files", image)] * 2
    print(client.post("/detect/batch?format=yolo", files=files).status_code)
    print("text/plain" in client.get("/openapi.json").text)
"""
LABELS = """text/plain; charset=utf-8
0 0.15000000 0.31250000 0.10000000 0.12500000
2 0.55000000 0.68750000 0.10000000 0.12500000
"""


@pytest.mark.slow
def test_the_examples_work_as_they_are_written(tmp_path: Path, bundle_path: Path) -> None:
    tree = copy_with_examples(tmp_path / "tree")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bundle_path)],
        input=encode(TWO_SQUARES),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(tree)},
        cwd=tree,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == f"{LABELS}{LABELS}406\nTrue\n"
