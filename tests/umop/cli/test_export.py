"""``umop export``, ``sign`` and ``archive`` make of a run what is served."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest
import torch

from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.schemas.options import DetectOptions
from tests.serving.make_bundle import make_bundle
from tests.serving.signing import make_key_pair
from tests.umop.conftest import Umop, lively
from umop.export import is_exported
from umop.runs.folder import RunFolder

LABELS = Path(__file__).parents[3] / "docker" / "labels.py"


@pytest.mark.slow
def test_export_writes_a_bundle_that_serves(umop: Umop, workplace: Path, discs: Path) -> None:
    for name in ("iter_4.pth", "best.pth"):
        lively(workplace / "runs" / "discs" / name)
    code, out, err = umop("export", "discs", "--version", "1.2")
    assert code == 0, err
    assert "it finds what mmdet finds" in out
    path = workplace / "runs" / "discs" / "discs.bundle"
    manifest = Bundle.open(path).manifest
    assert (manifest.name, manifest.version, manifest.classes) == ("discs", "1.2", ("tree",))
    image = cv2.imread(str(discs / "val" / "0.png"))[..., ::-1]
    [found] = Detector.load(path).detect([image], [DetectOptions(score_threshold=0.05)])
    assert len(found) > 0

    assert manifest.metrics == {}, "the checkpoint has changed since it was evaluated"

    commit = manifest.provenance["runs"][-1]["commit"]
    labels = subprocess.run(
        [sys.executable, LABELS, path, "models"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert "--tag=models:discs-1.2" in labels
    assert (f"--label=org.opencontainers.image.revision={commit}" in labels) == bool(commit)

    code, out, _ = umop("export", "discs")
    assert code == 0
    assert "already" in out
    run = RunFolder(workplace / "runs" / "discs")
    assert is_exported(run, "1.2")
    assert not is_exported(run, "1.3")


@pytest.mark.slow
def test_a_comparison_of_nothing_is_no_agreement(umop: Umop, workplace: Path) -> None:
    run = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "timid"))
    content = torch.load(run / "best.pth", weights_only=False)
    content["state_dict"]["bbox_head.atss_cls.bias"] -= 99.0
    torch.save(content, run / "best.pth")
    code, out, err = umop("export", "timid", "--force")
    assert code == 0, err
    assert "finds what mmdet finds:" not in out
    for engine in ("onnxruntime", "torch"):
        assert f"warning: with {engine} nothing was compared: mmdet has no detection" in err


@pytest.mark.slow
def test_export_and_sign_sign_the_bundle(umop: Umop, workplace: Path, tmp_path: Path) -> None:
    keys = make_key_pair(tmp_path)
    bundle = workplace / "runs" / "discs" / "discs.bundle"
    for command in (["export", "discs", "--sign"], ["sign", "discs", "--key"]):
        code, out, err = umop(*command, str(keys.private))
        assert code == 0, err
        assert "Signed: runs/discs/discs.bundle/model.sig" in out
        assert Bundle.open(bundle, verify_key=keys.public).is_verified
        (bundle / "model.sig").unlink()
        code, out, err = umop(*command, "none.key")
        assert (code, out) == (2, ""), "a key that cannot be used is refused before any work"
        assert err == "error: none.key: the private key cannot be read: No such file or directory\n"


def test_archive_says_how_it_is_served(umop: Umop, workplace: Path) -> None:
    make_bundle(workplace / "runs" / "squares" / "squares.bundle")
    code, out, err = umop("archive", "runs/squares", "--workers", "2")
    assert code == 0, err
    archive = Path("runs/squares/squares.mar")
    assert out == f"Archive: {archive}\nServe it: umop-serve torchserve {archive}\n"
    assert "minWorkers: 2" in zipfile.ZipFile(archive).read("model-config.yaml").decode()


def test_an_evaluation_of_another_version_is_named(umop: Umop, workplace: Path) -> None:
    copy = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "old"))
    (copy / "evaluation.json").write_text('{"AP": 0.5}')
    code, _, err = umop("export", "old", "--force")
    assert code == 2
    assert "runs/old/evaluation.json is not an evaluation of this version" in err


def test_the_name_of_an_extra_reaches_the_terminal(
    umop: Umop, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_archiver", None)
    code, _, err = umop("archive", "discs")
    assert code == 2
    assert "pip install 'umop[torchserve]'" in err
