"""The engine ``torch``: a program of ``torch.export`` that holds no code."""

from __future__ import annotations

import io
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from serving.bundle import Bundle, BundleError
from serving.bundle.schema import Manifest
from serving.inference.detector import Detector
from serving.inference.engines import EngineError, open_engine
from serving.schemas.names import ArchiveEngine
from serving.torchserve.archive import WorkerOptions, write_archive
from serving.torchserve.handler import DetectionHandler
from tests.serving.pickles import assert_no_pickle
from tests.serving.signing import make_key_pair, signed_copy
from tests.serving.torchserve.contexts import context_of


class Middle(nn.Module):
    """Finds one box in the middle of each image, with the image's mean as its score."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scores = image.mean((1, 2, 3)).unsqueeze(1)
        height, width = image.shape[2], image.shape[3]
        box = torch.tensor([0.25, 0.25, 0.75, 0.75]) * torch.tensor([width, height] * 2)
        boxes = box.expand(image.shape[0], 1, 4)
        return boxes.contiguous(), scores, torch.zeros_like(scores, dtype=torch.int64)


@pytest.fixture(scope="module")
def middle(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle with a ``model.pt2``."""
    folder = tmp_path_factory.mktemp("middle") / "middle.bundle"
    shutil.copytree(bundle_path, folder)
    shape = {0: Dim("n", max=64), 2: 32 * Dim("h", max=64), 3: 32 * Dim("w", max=64)}
    example = (torch.zeros(2, 3, 64, 96),)
    program = torch.export.export(Middle(), example, dynamic_shapes=(shape,))
    program.example_inputs = None
    torch.export.save(program, folder / "model.pt2")
    Bundle.write(folder, Bundle.open(folder).manifest)
    return folder


def test_it_runs_any_batch_and_size(middle: Path) -> None:
    detector = Detector.load(middle, engine="torch", threads=1, trust_program=True)
    white, wide = np.full((256, 320, 3), 255, np.uint8), np.full((128, 320, 3), 255, np.uint8)
    found = detector.detect([white, wide, white])
    assert [each.boxes.tolist() for each in found] == [
        [[80, 64, 240, 192]],
        [[80, 32, 240, 96]],
        [[80, 64, 240, 192]],
    ]
    assert [each.scores.tolist() for each in found] == [[1.0]] * 3


def test_it_must_be_trusted_or_signed(middle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"--verify-key.*--trust-program") as caught:
        Detector.load(middle, engine="torch")
    assert "\n" not in str(caught.value)
    keys = make_key_pair(tmp_path)
    signed = signed_copy(middle, tmp_path, keys)
    with pytest.raises(BundleError, match="its signature was not checked"):
        Detector.load(signed, engine="torch")
    Detector.load(signed, engine="torch", verify_key=keys.public)


@pytest.mark.parametrize("choice", ["torch", "auto"])
def test_torchserve_needs_the_same_trust(
    middle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: ArchiveEngine
) -> None:
    """An archive names its engine; whether its program may run, only who serves it can say."""
    archive = write_archive(middle, tmp_path / "x.mar", WorkerOptions(engine=choice))
    with zipfile.ZipFile(archive) as members:
        members.extractall(tmp_path / "model")
    context = context_of(tmp_path / "model")
    context.system_properties["gpu_id"] = None if choice == "torch" else 0
    with pytest.raises(BundleError, match="its signature was not checked"):
        DetectionHandler().initialize(context)
    context.system_properties["gpu_id"] = None
    monkeypatch.setenv("UMOP_TRUST_PROGRAM", "true")
    DetectionHandler().initialize(context)


def test_it_holds_no_pickle(middle: Path) -> None:
    assert_no_pickle((middle / "model.pt2").read_bytes())


def test_a_bundle_without_it_says_so(bundle_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no model\.pt2"):
        Detector.load(bundle_path, engine="torch", trust_program=True)


def test_an_absent_file_is_explained(bundle_path: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_path, tmp_path / "x.bundle"))
    manifest = Bundle.open(folder).manifest
    reason = {"model.pt2": "8-bit arithmetic is ONNX Runtime's"}
    Bundle.write(folder, manifest.model_copy(update={"absent": reason}))
    with pytest.raises(BundleError, match="8-bit arithmetic is ONNX Runtime's"):
        Detector.load(folder, engine="torch", trust_program=True)


def test_an_unknown_engine(bundle_path: Path) -> None:
    with pytest.raises(EngineError, match="choose one of onnxruntime, openvino, torch"):
        open_engine(Bundle.open(bundle_path), "abacus")  # type: ignore[arg-type]


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle was loaded')",))


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("data/sample_inputs/model.pt", pickle.dumps(Bomb())),
        ("data/constants/model.pt", pickle.dumps(Bomb())),
        ("data/aotinductor/model/model.so", b"\x7fELF"),
        (
            "data/weights/model_weights_config.json",
            b'{"config": {"w": {"path_name": "weight_0", "is_param": true, "use_pickle": true}}}',
        ),
        (
            "data/constants/model_constants_config.json",
            b'{"config": {"c": {"path_name": "custom_obj_0", "use_pickle": false}}}',
        ),
        ("archive_format", b"old"),
    ],
)
def test_code_in_it_is_refused(middle: Path, tmp_path: Path, member: str, content: bytes) -> None:
    assert_refused(changed(middle, tmp_path, member, lambda _: content))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r'("expr_str": )"[^"]+"', "__import__('os').system('exit')"),
        (r'("expr_str": )"[^"]+"', "Add(Integer(1), FloorDiv('open(0)', Integer(1)))"),
        (r'("expr_str": )"[^"]+"', "(lambda: 1)()"),
        (r'("target": )"torch[^"]+"', "torch.hub.load"),
        (r'("target": )"torch[^"]+"', "_operator.methodcaller"),
        (r'("target": )"torch[^"]+"', "#evil"),
        (r'("target": )"torch[^"]+"', "torch.ops.higher_order.wrap"),
        (r'("name": )"\w+", "arg"', "a = __import__('os').mkdir('x'), b\", \"arg"),
        (r'("name": )"\w+"', "a=open(0),b"),
        (r'("as_name": )"\w+"', "a b"),
        (
            r'("parameter_name": |"buffer_name": |"tensor_constant_name": )"[^"]+"',
            "x'), open(0), ('",
        ),
        (r'("forward_arg_names": \[)"\w+"', "image=open(0)"),
        (r'("in_spec": )"(?:[^"\\]|\\.)+"', "{open(0)}"),
    ],
)
def test_code_in_its_text_is_refused(middle: Path, tmp_path: Path, pattern: str, text: str) -> None:
    def change(graph: bytes) -> bytes:
        edited, count = re.subn(pattern, rf'\1"{text}"', graph.decode(), count=1)
        assert count == 1
        return edited.encode()

    assert_refused(changed(middle, tmp_path, "models/model.json", change))


def changed(bundle: Path, folder: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a bundle with another member in its ``model.pt2``, and the digest of that."""
    copy = Path(shutil.copytree(bundle, folder / "x.bundle"))
    original = zipfile.ZipFile(io.BytesIO((copy / "model.pt2").read_bytes()))
    root = original.namelist()[0].partition("/")[0]
    contents = {name: original.read(name) for name in original.namelist()}
    path = f"{root}/{member}"
    contents[path] = change(contents.get(path, b""))
    with zipfile.ZipFile(copy / "model.pt2", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    Bundle.write(copy, Manifest.model_validate_json((copy / "manifest.json").read_bytes()))
    return copy


def assert_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="may hold code") as caught:
        Detector.load(bundle, engine="torch", trust_program=True)
    assert "\n" not in str(caught.value)


def test_junk_is_refused(middle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(middle, tmp_path / "x.bundle"))
    (folder / "model.pt2").write_bytes(b"junk")
    Bundle.write(folder, Manifest.model_validate_json((folder / "manifest.json").read_bytes()))
    with pytest.raises(BundleError, match=r"model\.pt2 cannot be run"):
        Detector.load(folder, engine="torch", trust_program=True)


def test_a_failing_network_is_an_engine_error(middle: Path) -> None:
    engine = open_engine(Bundle.open(middle), "torch", threads=1, trust_program=True)
    with pytest.raises(EngineError, match="PyTorch failed"):
        engine.run(np.zeros((1, 4, 64), np.float32))
    engine.check()


def test_a_device_that_is_not_there(middle: Path) -> None:
    with pytest.raises(EngineError, match="cannot be used"):
        open_engine(Bundle.open(middle), "torch", device="cuda:99", trust_program=True)
