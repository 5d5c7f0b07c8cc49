"""Checkpoints in the authors' format become runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from tests.umop.models.original_swin import OriginalSwin
from umop.config.load import load_config
from umop.engine.checkpoints import reached_by
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.weights.published import import_published, to_mmdet3
from umop.weights.reading import read_checkpoint

CHANNELS, DEPTHS, HEADS = 24, (2, 2, 4, 2), (2, 2, 4, 8)
Save = Callable[..., Path]


@pytest.fixture
def config() -> Config:
    """A Swin detector like the published ones, but small."""
    config = load_config("swin_s")
    config.model.backbone.update(embed_dims=CHANNELS, depths=DEPTHS, num_heads=HEADS)
    config.model.backbone.pop("init_cfg")
    config.model.neck.update(in_channels=[CHANNELS * 2**i for i in range(4)], out_channels=32)
    config.model.bbox_head.update(num_classes=3, in_channels=32, feat_channels=32)
    return config


@pytest.fixture
def original() -> OriginalSwin:
    torch.manual_seed(0)
    swin = OriginalSwin(CHANNELS, DEPTHS, HEADS).eval()
    for parameter in swin.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return swin


@pytest.fixture
def published(config: Config, original: OriginalSwin) -> dict[str, Tensor]:
    """The weights of a detector under the authors' names."""
    tensors = MODELS.build(config.model).state_dict()
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith("backbone.")}
    backbone = {f"backbone.{name}": tensor for name, tensor in original.state_dict().items()}
    return {**backbone, **others}


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a checkpoint as mmdet 2 does."""

    def write(tensors: dict[str, Any]) -> Path:
        meta = {"mmdet_version": "2.14.0", "epoch": 24, "CLASSES": ("a", "b", "c")}
        path = tmp_path / "published.pth"
        torch.save({"meta": meta, "state_dict": tensors}, path)
        return path

    return write


@pytest.mark.parametrize("size", [(64, 64), (90, 75), (56, 224)])
def test_a_converted_swin_computes_the_same_features(
    config: Config, original: OriginalSwin, size: tuple[int, int]
) -> None:
    tensors = {f"backbone.{name}": value for name, value in original.state_dict().items()}
    backbone = MODELS.build(config.model.backbone)
    backbone.eval()
    converted = to_mmdet3(tensors, swin=True)
    backbone.load_state_dict(
        {name.removeprefix("backbone."): value for name, value in converted.items()}
    )
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        for ours, theirs in zip(backbone(images), original(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_order_of_merged_patches_matters(config: Config, original: OriginalSwin) -> None:
    """Without reordering the shapes fit too, and the features are wrong."""
    name = "backbone.layers.0.downsample.reduction.weight"
    weight = original.state_dict()[name.removeprefix("backbone.")]
    [converted] = to_mmdet3({name: weight}, swin=True).values()
    assert converted.shape == weight.shape
    assert not torch.equal(converted, weight)


def test_a_swin_becomes_a_run_that_loads(
    config: Config, original: OriginalSwin, published: dict[str, Tensor], save: Save, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "swin")
    checkpoint = import_published(save(published), config, run)
    assert run.require_checkpoint() == checkpoint
    model = MODELS.build(Config.fromfile(run.config).model).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["state_dict"])
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(
            model.backbone(images)[3], original(images)[3], rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_resnet_keeps_its_names(save: Save, tmp_path: Path, prefix: str) -> None:
    config = load_config("r50")
    config.model.backbone.pop("init_cfg")
    tensors = MODELS.build(config.model).state_dict()
    file = save({f"{prefix}{name}": tensor for name, tensor in tensors.items()})
    written = torch.load(
        import_published(file, config, RunFolder(tmp_path / "r50")), weights_only=True
    )
    torch.testing.assert_close(dict(written["state_dict"]), dict(tensors), rtol=0, atol=0)


def test_a_misfit_is_refused_with_every_name(
    config: Config,
    published: dict[str, Tensor],
    save: Save,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del published["neck.fpn_convs.0.conv.bias"]
    published["bbox_head.extra"] = torch.zeros(1)
    published["bbox_head.atss_cls.bias"] = torch.zeros(80)
    run = RunFolder(tmp_path / "misfit")
    with pytest.raises(UserError, match="1 names are missing, 1 unexpected and 1 of another shape"):
        import_published(save(published), config, run)
    listed = capsys.readouterr().err
    assert "missing: neck.fpn_convs.0.conv.bias (32,)" in listed
    assert "unexpected: bbox_head.extra (1,)" in listed
    assert "shape: bbox_head.atss_cls.bias (80,), not (3,)" in listed
    assert not run.folder.exists()


class Trap:
    """What a hostile checkpoint could hold: reading it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.path,)


def test_nothing_in_a_checkpoint_is_executed(save: Save, tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        read_checkpoint(save({"trap": Trap(trace)}))
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a checkpoint", "cannot be read"),
        (b"\x80\x02X\x02\x00\x00\x00\xff\xfe.", "cannot be read"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "file.pth"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_checkpoint(file)


def test_weights_without_a_state_dict_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "bare.pth")
    with pytest.raises(UserError, match="no 'state_dict'"):
        read_checkpoint(tmp_path / "bare.pth")


def test_a_run_is_not_overwritten(
    config: Config, published: dict[str, Tensor], save: Save, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "taken")
    import_published(save(published), config, run)
    with pytest.raises(UserError, match="is there already"):
        import_published(save(published), config, run)


def test_an_imported_run_is_not_trained_on(
    config: Config, published: dict[str, Tensor], save: Save, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "imported")
    import_published(save(published), config, run)
    with pytest.raises(UserError, match=r"holds imported\.pth, which training cannot resume"):
        reached_by(run.require_checkpoint())
