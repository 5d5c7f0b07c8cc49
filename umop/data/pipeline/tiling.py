"""Makes a config train and evaluate on windows of large images.

Configs are read and changed as nested mappings; nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from copy import deepcopy
from typing import Any

from serving.shared import TileSpec
from umop.system.errors import UserError

_Section = MutableMapping[str, Any]
_EACH = "EachWindow"
_KEPT = 2**28
_META = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor", "window", "image_shape")


def tiles_of(config: _Section) -> TileSpec | None:
    """Returns how a config cuts images into windows; None where it takes them whole."""
    tiles = config.get("tiles", None)
    return TileSpec(**tiles) if tiles else None


def use_tiles(config: _Section, spec: TileSpec) -> None:
    """Makes a config train on windows, and evaluate on whole images by their windows.

    A window is scaled as an image of its size was, and every other one by the same factor.

    Args:
        config: Changed in place.
        spec: How images are cut.

    Raises:
        UserError: The config's data or its pipelines are not such that this is known to work.
    """
    tiles = {"window": spec.window, "overlap": spec.overlap}
    train = config["train_dataloader"]["dataset"]
    _unmix(train)
    kinds = [step["type"] for step in train["pipeline"]]
    if train["type"] != "CocoDataset" or "LoadAnnotations" not in kinds:
        raise UserError("--tiles needs a CocoDataset and a pipeline with LoadAnnotations.")
    train.update({"type": "TiledDataset", **tiles})
    pipeline = list(train["pipeline"])
    if kinds[0] == "LoadImage":  # a pass draws many windows of an image
        pipeline[0] = {**pipeline[0], "keep_bytes": _KEPT}
    pipeline.insert(kinds.index("LoadAnnotations") + 1, {"type": "RandomWindow", **tiles})
    train["pipeline"] = pipeline
    for name, loop in (("val", "TiledValLoop"), ("test", "TiledTestLoop")):
        loader = config[f"{name}_dataloader"]
        loader["batch_size"] = 1
        loader["dataset"]["pipeline"] = _by_window(loader["dataset"]["pipeline"], tiles)
        config[f"{name}_cfg"] = {"type": loop, **tiles}
    config["tiles"] = tiles


def _unmix(train: _Section) -> None:
    """Makes a data set that mixes images one that takes them as in the last part of training."""
    if train["type"] == "MixedCocoDataset":
        train.update(type="CocoDataset", pipeline=train.pop("last_pipeline"))
        del train["last_share"]


def of_one_window(config: Any) -> Any:
    """Returns a copy of a config that takes a window as an image; also one without windows."""
    copy = deepcopy(config)
    dataset = copy["test_dataloader"]["dataset"]
    dataset["pipeline"] = [
        step
        for outer in dataset["pipeline"]
        for step in (outer["transforms"] if outer["type"] == _EACH else [outer])
    ]
    return copy


def _by_window(pipeline: list[_Section], tiles: dict[str, int]) -> list[dict[str, Any]]:
    """A test's pipeline whose steps behind loading are for each window.

    Raises:
        UserError: It is not a usual one.
    """
    kinds = [step["type"] for step in pipeline]
    if kinds[:2] != ["LoadImage", "Resize"] or not pipeline[1].get("scale"):
        raise UserError("--tiles needs a test pipeline that begins with LoadImage and Resize.")
    factor = min(pipeline[1]["scale"]) / tiles["window"]
    rest = [
        {"type": "Resize", "scale_factor": factor, "keep_ratio": True},
        {"type": "PackDetInputs", "meta_keys": _META},
    ]
    return [dict(pipeline[0]), {"type": _EACH, **tiles, "transforms": rest}]
