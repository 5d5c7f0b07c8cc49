"""Detectors published on COCO: they fit the configs, are fetched, checked, and arrive whole."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from tests.umop.conftest import Umop
from tests.umop.data.server import Site, serving
from umop.config.load import load_config
from umop.runs.folder import RunFolder
from umop.system.errors import FetchError, UserError
from umop.system.exit_codes import FAILURE, MISTAKE
from umop.weights import coco
from umop.weights.coco import COCO_CHECKPOINTS, published_for
from umop.weights.finetune import use_weights, write_initial_weights
from umop.weights.pretrained import Pretrained

ZOO = Path(mmdet.__file__).parent / ".mim" / "configs"
CLASSES = ("a", "b", "c")
PAIRS = {
    "medium": "atss/atss_r50_fpn_1x_coco",
    "r50": "atss/atss_r50_fpn_1x_coco",
    "atss_r50": "atss/atss_r50_fpn_1x_coco",
    "r101": "atss/atss_r101_fpn_1x_coco",
    "plugin/retinanet_umop": "retinanet/retinanet_r50_fpn_ms-640-800-3x_coco",
    "plugin/paa_umop": "paa/paa_r50_fpn_ms-3x_coco",
    "plugin/fsaf_umop": "fsaf/fsaf_r50_fpn_1x_coco",
    "plugin/gfl_umop": "gfl/gfl_r50_fpn_ms-2x_coco",
    "plugin/vfnet_umop": "vfnet/vfnet_r50_fpn_ms-2x_coco",
    "tood_r50": "tood/tood_r50_fpn_ms-2x_coco",
    **{
        f"rtmdet_{size}": f"rtmdet/rtmdet_{size}_8xb32-300e_coco"
        for size in ("tiny", "s", "m", "l", "x")
    },
}
"""Our configs, and those of mmdet's that the published files were trained with."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def shapes(config: Config) -> dict[str, torch.Size]:
    """Names and shapes of a model's tensors, for 80 classes; nothing is computed."""
    config.model.bbox_head.num_classes = 80
    config.model.backbone.pop("init_cfg", None)
    with torch.device("meta"):
        tensors: dict[str, Tensor] = MODELS.build(config.model).state_dict()
    return {name: tensor.shape for name, tensor in tensors.items()}


def theirs(name: str) -> Config:
    """One of mmdet's own configs."""
    return Config.fromfile(ZOO / f"{name}.py")


@pytest.mark.parametrize("ours", PAIRS)
def test_the_published_architecture_is_ours(ours: str) -> None:
    url = published_for(load_config(ours)).url
    stem = Path(PAIRS[ours]).name.replace("ms-640-800-", "mstrain_").replace("ms-", "mstrain_")
    assert stem in url
    assert shapes(load_config(ours)) == shapes(theirs(PAIRS[ours]))


def test_every_published_file_is_one_of_the_model_zoos() -> None:
    listed = "".join(path.read_text() for path in ZOO.glob("*/metafile.yml"))
    for weights in COCO_CHECKPOINTS.values():
        assert f"Weights: {weights.url}\n" in listed
        assert weights.sha256 is not None
        assert len(weights.sha256) == 8
    assert {published_for(load_config(ours)).url for ours in PAIRS} == {
        weights.url for weights in COCO_CHECKPOINTS.values()
    }


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Serves a file in the layout of the one that is published for a config of ours."""
    site = Site({})

    def publish(ours: str, values: Callable[..., dict[str, Tensor]] = filled) -> Site:
        model = MODELS.build(narrow(theirs(PAIRS[ours])).model)
        file = tmp_path / "theirs.pth"
        meta = {"CLASSES": tuple(f"coco {i}" for i in range(80)), "mmdet_version": "2.3.0"}
        torch.save({"meta": meta, "state_dict": values(model.state_dict())}, file)
        site.files["/theirs.pth"] = file.read_bytes()
        digest = hashlib.sha256(site.files["/theirs.pth"]).hexdigest()[:8]
        key = next(k for k, v in COCO_CHECKPOINTS.items() if v == published_for(load_config(ours)))
        monkeypatch.setitem(
            coco.COCO_CHECKPOINTS, key, Pretrained(f"{site.url}/theirs.pth", digest)
        )
        return site

    with serving(site):
        yield publish


def narrow(config: Config) -> Config:
    """The same ATSS detector with fewer channels, of random weights."""
    config.model.backbone.update(base_channels=16, init_cfg=None)
    config.model.neck.update(in_channels=[64, 128, 256, 512], out_channels=32)
    config.model.bbox_head.update(in_channels=32, feat_channels=32)
    return config


def filled(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, each with a value of its own."""
    return {name: torch.full_like(t, i) for i, (name, t) in enumerate(tensors.items())}


def for_own_data(name: str) -> Config:
    config = narrow(load_config(name))
    config.train_dataloader.dataset.metainfo.classes = CLASSES
    config.model.bbox_head.num_classes = len(CLASSES)
    return config


def test_every_tensor_but_the_class_layer_arrives(
    publish: Callable[[str], Site], tmp_path: Path
) -> None:
    site = publish("medium")
    config, run = for_own_data("medium"), RunFolder(tmp_path)
    start = use_weights(config, "coco", run)
    write_initial_weights(start, run)
    published = torch.load(tmp_path / "theirs.pth", weights_only=True)["state_dict"]
    model = MODELS.build(config.model)
    taken = torch.load(config.load_from, weights_only=True)["state_dict"]
    missing, unexpected = model.load_state_dict(taken, strict=False)
    assert missing == [f"bbox_head.atss_cls.{part}" for part in ("weight", "bias")]
    assert unexpected == []
    for name, tensor in model.state_dict().items():
        assert name in missing or (tensor == published[name]).all(), name
    assert site.asked == [""]
    assert any("Apache-2.0" in line and "OpenMMLab" in line for line in start.report())
    assert "Newly initialised: bbox_head.atss_cls (2)" in start.report()


def test_own_data_starts_from_it_by_default(
    umop: Umop, discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = {key: Pretrained("http://127.0.0.1:9/a-00000000.pth") for key in COCO_CHECKPOINTS}
    monkeypatch.setattr(coco, "COCO_CHECKPOINTS", unreachable)
    monkeypatch.setattr("umop.system.download.ATTEMPTS", 1)
    train = partial(umop, "train", "medium", "--data", str(discs), "--device", "cpu", "--dry-run")
    code, _, err = train()
    assert code == FAILURE, "a cluster tries it again"
    assert "a-00000000.pth could not be downloaded" in err
    assert "'umop data weights CONFIG --coco'" in err
    assert "--weights imagenet trains without it" in err
    assert "Traceback" not in err
    monkeypatch.setattr("umop.weights.pretrained.PRETRAINED", {})
    assert "There are no weights 'resnet50'" in train("--weights", "imagenet")[2]


NARROW = """
_base_ = "medium"
model = dict(
    backbone=dict(base_channels=16),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32),
)
"""


@pytest.mark.slow
def test_a_run_that_has_checkpoints_goes_on_without_the_published_file(
    umop: Umop,
    discs: Path,
    tmp_path: Path,
    publish: Callable[..., Site],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("umop.system.download.ATTEMPTS", 1)
    (tmp_path / "narrow.py").write_text(NARROW)
    site = publish("medium", dict)
    train = ["train", "narrow.py", "--data", str(discs), "--device", "cpu", "--size", "160"]
    train += ["--epochs", "1", "--batch", "2", "--amp", "off"]
    train += ["--set", "train_dataloader.num_workers=0", "--set", "val_dataloader.num_workers=0"]
    train += ["--set", "train_dataloader.persistent_workers=False"]
    train += ["--set", "val_dataloader.persistent_workers=False"]
    code, out, err = umop(*train)
    assert code == 0, err
    assert "trained on COCO" in err
    shutil.rmtree(cache)
    site.files.clear()
    code, again, err = umop(*train)
    assert (code, again) == (0, out), err
    code, _, err = umop(*train, "--weights", "imagenet")
    assert code == MISTAKE
    assert "was started with another config" in err


def test_a_command_fetches_it(umop: Umop, publish: Callable[[str], Site], cache: Path) -> None:
    site = publish("r50")
    names = {"resnet50": Pretrained(f"{site.url}/theirs.pth")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("umop.weights.pretrained.PRETRAINED", names)
        code, out, _ = umop("data", "weights", "r50", "--coco")
    assert (code, out.splitlines()[-1]) == (0, f"Weights: {cache / 'theirs.pth'}")


@pytest.mark.parametrize("away", ["r50-coco-00000000.pth", "resnet50-00000000.pth"])
def test_a_file_that_is_away_does_not_keep_the_command_from_the_other(
    umop: Umop,
    publish: Callable[[str], Site],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    away: str,
) -> None:
    there = Pretrained(f"{publish('r50').url}/theirs.pth")
    gone = Pretrained(f"http://127.0.0.1:9/{away}")
    for_coco, for_backbone = (gone, there) if "coco" in away else (there, gone)
    monkeypatch.setattr(coco, "COCO_CHECKPOINTS", dict.fromkeys(COCO_CHECKPOINTS, for_coco))
    monkeypatch.setattr("umop.weights.pretrained.PRETRAINED", {"resnet50": for_backbone})
    monkeypatch.setattr("umop.system.download.ATTEMPTS", 1)
    code, out, err = umop("data", "weights", "r50", "--coco")
    assert code == FAILURE, "a cluster tries it again"
    assert out == f"Weights: {cache / 'theirs.pth'}\n"
    assert f"{away} could not be downloaded" in err


def test_another_file_than_the_published_is_refused(
    publish: Callable[[str], Site], cache: Path, tmp_path: Path
) -> None:
    site = publish("r50")
    site.files["/theirs.pth"] += b"?"
    with pytest.raises(FetchError, match="its checksum is not sha256"):
        use_weights(for_own_data("r50"), "coco", RunFolder(tmp_path))
    assert not list(cache.glob("*.pth"))


@pytest.mark.parametrize("name", ["swin_s", "plugin/fcos", "small"])
def test_a_model_that_none_fits_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no COCO checkpoint is published that fits"):
        published_for(load_config(name))


def test_the_commands_refuse_it_too(umop: Umop, discs: Path) -> None:
    code, _, err = umop("train", "small", "--data", str(discs), "--weights", "coco", "--dry-run")
    assert code == MISTAKE
    assert "Take --weights imagenet" in err
    code, out, err = umop("data", "weights", "small", "--coco")
    assert (code, out) == (MISTAKE, "")
    assert "fits this config's model. Without --coco, its backbone's weights are fetched" in err
    assert "--weights" not in err, "the command has no such option"
