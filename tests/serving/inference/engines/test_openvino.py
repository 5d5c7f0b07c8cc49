"""The engine ``openvino``: the same network, on the processor."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from serving.bundle import Bundle, BundleError
from serving.inference.detector import Detector
from serving.inference.engines import EngineError, open_engine
from tests.serving.images import TWO_SQUARES

pytest.importorskip("openvino", reason="needs the extra 'openvino'")


def test_it_finds_what_onnx_runtime_finds(bundle_path: Path) -> None:
    for images in ([TWO_SQUARES], [TWO_SQUARES[::-1], TWO_SQUARES, TWO_SQUARES[:, ::-1]]):
        found, expected = (
            Detector.load(bundle_path, engine=engine, threads=1).detect(images)
            for engine in ("openvino", "onnxruntime")
        )
        for one, other in zip(found, expected, strict=True):
            assert len(one) == len(other) > 0
            np.testing.assert_allclose(one.boxes, other.boxes, atol=1)
            np.testing.assert_allclose(one.scores, other.scores, atol=0.01)
            assert one.labels.tolist() == other.labels.tolist()


def test_it_runs_on_no_gpu(bundle_path: Path) -> None:
    with pytest.raises(EngineError, match="cuda cannot be used: the engine openvino runs on the"):
        open_engine(Bundle.open(bundle_path), "openvino", device="cuda")


def test_a_file_that_is_no_network_is_one_line(bundle_path: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_path, tmp_path / "broken.bundle"))
    (folder / "model.onnx").write_bytes(b"no network")
    Bundle.write(folder, Bundle.open(bundle_path).manifest)
    with pytest.raises(BundleError, match=r"model\.onnx cannot be run: ") as caught:
        open_engine(Bundle.open(folder), "openvino")
    assert "\n" not in str(caught.value)


def test_without_its_package_it_says_what_to_install(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "serving.inference.engines.openvino", raising=False)
    with pytest.raises(EngineError, match=r"pip install openvino$"):
        open_engine(Bundle.open(bundle_path), "openvino")
