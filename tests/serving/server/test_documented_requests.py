"""The blocks of the docs that name this file, as they stand: requests to a running service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.bundle import Bundle
from tests.blocks import ROOT, Block, blocks
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.predict.films import film
from tests.serving.running import running

HERE = str(Path(__file__).relative_to(ROOT))
BLOCKS = [block for block in blocks() if HERE in block.tests]
PHOTOS = ("photo.png", "one.jpg", "data/crowns/photo.png", "data/crowns/val/0000_1.png")
FOLDERS = ("photos", "images")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("curl"), reason="needs curl"),
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages speak of: photographs, a video and the demo's bundle."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in (*PHOTOS, *(f"{each}/1.png" for each in FOLDERS)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode(TWO_SQUARES))
    film(folder / "clip.mp4", 7)
    bundle = Bundle.open(make_bundle(folder / "runs" / "demo" / "demo.bundle", name="demo"))
    (bundle.path.parent / "config.py").touch()  # what makes the folder a run's
    classes = {"classes": ("tree", "bush", "car")}
    Bundle.write(bundle.path, bundle.manifest.model_copy(update=classes))
    return folder


@pytest.fixture(scope="module")
def url(workplace: Path) -> Iterator[str]:
    bundle = workplace / "runs" / "demo" / "demo.bundle"
    with running("--bundle", str(bundle), "--threads", "1") as server:
        yield server.url


@pytest.mark.parametrize("block", BLOCKS, ids=[block.place for block in BLOCKS])
def test_it_runs_as_it_stands(block: Block, workplace: Path, url: str) -> None:
    shutil.rmtree(workplace / "found", ignore_errors=True)
    code = block.code.replace("127.0.0.1:8000", url.removeprefix("http://"))
    if "import " in code:
        command = [sys.executable, "-c", code]
    else:
        strict = 'curl() { command curl -sSf "$@"; }'
        command = ["bash", "-euo", "pipefail", "-c", f"{strict}\n{code}"]
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
