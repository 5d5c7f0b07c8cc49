"""What is about to be trained, counted before it starts."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

from umop.data.preparation.custom import OwnData
from umop.system.console import counted, duration
from umop.system.dataset_paths import annotation_file
from umop.training.schedule import ScheduleOptions, count_iterations, epoch_length
from umop.training.size import test_sides


@dataclass(frozen=True)
class Counts:
    """How much data there is.

    Attributes:
        train: Images to train on.
        val: Images to evaluate on.
        classes: Kinds of objects.
        windows: Windows of them to train on in one pass; None where images are taken whole.
        box_share: The side of the median box to train on, as a share of the size of images;
            0 without boxes.
        most_boxes: The boxes of the fullest image to train on.
    """

    train: int
    val: int
    classes: int
    box_share: float = 0.0
    windows: int | None = None
    most_boxes: int = 0

    @property
    def samples(self) -> int:
        """What one pass trains on: images, or windows of them."""
        return self.train if self.windows is None else self.windows


def count(config: Config, found: OwnData | None) -> Counts:
    """Counts the images that a config's loaders will give.

    Args:
        config: Names the annotations.
        found: Data of the user's own, whose annotations may not be written yet.
    """
    unwritten = _unwritten(found)
    train, val = config.train_dataloader.dataset, config.val_dataloader.dataset
    to_train_on = _read_coco(train, unwritten)
    return Counts(
        train=_images(train, to_train_on),
        val=_images(val, _read_coco(val, unwritten)),
        classes=len(train.metainfo.classes),
        box_share=box_share(to_train_on, test_sides(config)),
        most_boxes=_most_boxes(to_train_on),
    )


def train_content(config: Config, found: OwnData | None) -> dict[str, Any]:
    """COCO's dictionary of what to train on; takes what :func:`count` does."""
    return _read_coco(config.train_dataloader.dataset, _unwritten(found))


def _unwritten(found: OwnData | None) -> dict[Path, dict[str, Any]]:
    contents = found.contents if found else {}
    return {found.annotations(split): contents[split] for split in contents} if found else {}


def _read_coco(dataset: Any, unwritten: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """COCO's dictionary of a loader's data set."""
    path = annotation_file(dataset)
    content: dict[str, Any] = unwritten.get(path) or json.loads(path.read_text())
    return content


def _images(dataset: Any, content: dict[str, Any]) -> int:
    """How many images a loader's data set has."""
    if (dataset.get("filter_cfg") or {}).get("filter_empty_gt"):
        return len({box["image_id"] for box in content["annotations"]})
    return len(content["images"])


def box_share(content: dict[str, Any], sides: Sequence[int]) -> float:
    """The side of the median box in an image that is scaled, as a share of the longer of ``sides``.

    Args:
        content: COCO's dictionary.
        sides: The sides that images are fit into, with their ratio; a square's if empty.

    Returns:
        The share; 0 without boxes.
    """
    ratio = min(sides) / max(sides) if sides else 1.0
    scales = {
        image["id"]: min(
            1 / max(image["width"], image["height"]), ratio / min(image["width"], image["height"])
        )
        for image in content["images"]
    }
    shares = [
        math.sqrt(box["bbox"][2] * box["bbox"][3]) * scales[box["image_id"]]
        for box in content["annotations"]
    ]
    return median(shares) if shares else 0.0


def _most_boxes(content: dict[str, Any]) -> int:
    """The boxes of the image that has the most."""
    counts = Counter(box["image_id"] for box in content["annotations"])
    return max(counts.values(), default=0)


def _describe_epochs(config: Config, samples: int, processes: int) -> str:
    """How often training sees each sample."""
    loader = config.train_dataloader
    made = count_iterations(config, samples, processes)
    if (loader.get("sampler") or {}).get("type") == "InfiniteSampler":
        epochs = made * loader.batch_size * processes / samples
    else:
        epochs = made / epoch_length(config, samples, processes)
    return f"{epochs:.0f}" if epochs >= 999.5 else f"{epochs:.3g}"


def describe_plan(config: Config, counts: Counts, options: ScheduleOptions, processes: int) -> str:
    """The plan in a line or two.

    Args:
        config: What is trained, its schedule fitted.
        counts: How much data there is.
        options: Give the parts of a step, and the patience and time after which training ends.
        processes: How many train together.
    """
    made = count_iterations(config, counts.samples, processes)
    epochs = _describe_epochs(config, counts.samples, processes)
    interval = config.train_cfg.val_interval
    evaluations = math.ceil(
        config.train_cfg.get("max_epochs", config.train_cfg.get("max_iters")) / interval
    )
    parts = f" ({made} iterations)" if options.accumulate > 1 else ""
    cut = "" if counts.windows is None else f" in {counted(counts.windows, 'window')}"
    times = "once" if evaluations == 1 else f"{evaluations} times"
    text = (
        f"Plan: {counted(counts.train, 'image')} of {counted(counts.classes, 'class')}{cut}, "
        f"{counted(made // options.accumulate, 'step')}{parts}, {epochs} "
        f"{'epoch' if epochs == '1' else 'epochs'}; evaluated {times} on "
        f"{counted(counts.val, 'image')}."
    )
    if options.patience:
        text += f" Ends early after {options.patience} evaluations without a better AP."
    if options.time:
        text += f" Ends within {duration(options.time)}."
    return text
