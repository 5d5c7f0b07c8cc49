"""``import umop``: quick, complete, and enough to predict without training code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import umop
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle

PREDICT = """
import sys

BLOCKED = {"mmdet", "mmcv", "mmengine", "torch", "torchvision"}


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"prediction must not import {name}")


sys.meta_path.insert(0, Block())

import umop

model = umop.Detector.load(sys.argv[1])
print(*model.predict(sys.stdin.buffer.read(), score_threshold=0.95).labels)
"""


def python(program: str, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], input=stdin, capture_output=True, timeout=200
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_importing_umop_imports_nothing_else() -> None:
    before = "import sys; before = set(sys.modules); import umop; "
    loaded = python(f"{before}print(*sorted(set(sys.modules) - before))").split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names == {"umop"}


def test_every_name_is_there_and_listed() -> None:
    assert set(umop.__all__) <= set(dir(umop))
    for name in umop.__all__:
        assert getattr(umop, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'umop' has no attribute 'trian'"):
        _ = umop.trian  # type: ignore[attr-defined]


def test_prediction_needs_the_serving_half_only(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "squares.bundle")
    assert python(PREDICT, str(bundle), stdin=encode(TWO_SQUARES)) == "red blue"
