"""A new engine or output format costs what CONTRIBUTING.md says: one file, one registration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import serving
from tests.serving.images import TWO_SQUARES, encode

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"`(serving/[\w/]+\.py)`[^`]*\n\n```python\n(.*?)```", re.DOTALL)
REGISTRATION = re.compile(r"`(serving/[\w/]+\.py)`.{0,120}?\n\n```diff\n(.*?)```", re.DOTALL)
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
0 0.150000 0.312500 0.100000 0.125000
2 0.550000 0.687500 0.100000 0.125000
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of ``serving`` to which CONTRIBUTING's steps were applied."""
    shutil.copytree(Path(serving.__file__).parent, tmp_path / "serving")
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    examples = EXAMPLE.findall(text)
    registrations = REGISTRATION.findall(text)
    assert (len(examples), len(registrations)) == (2, 2)
    for name, content in examples:
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(content, "utf-8")
    for name, change in registrations:
        apply(change, tmp_path / name)
    return tmp_path


def apply(change: str, path: Path) -> None:
    """Puts each run of ``+`` lines in the place of the ``-`` line before it."""
    text = path.read_text("utf-8")
    for old, new in re.findall(r"^-(.*\n)((?:\+.*\n)+)", change, re.MULTILINE):
        assert text.count(old) == 1, f"{path}: {old}"
        text = text.replace(old, re.sub(r"^\+", "", new, flags=re.MULTILINE))
    path.write_text(text, "utf-8")


@pytest.mark.slow
def test_the_examples_work_as_they_are_written(tree: Path, bundle_path: Path) -> None:
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


def test_the_examples_are_in_the_projects_style(tree: Path) -> None:
    checker = [sys.executable, "-m", "ruff", "--config", str(ROOT / "pyproject.toml")]
    names = [name for name, _ in EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))]
    for command in (["check"], ["format", "--check"]):
        config = [*checker[:3], *command, *checker[3:]]
        done = subprocess.run([*config, *names], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
