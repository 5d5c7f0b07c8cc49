"""What a run was trained and evaluated on, and what the check of it found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import Config

from umop.data.check.bars import Bar, bars, by_size, mean_sides
from umop.data.preparation.custom import SOURCE_FILE
from umop.runs.folder import RunFolder
from umop.system.dataset_paths import annotation_file

_SPLITS = {"train": "training", "val": "validation"}


@dataclass(frozen=True)
class _Split:
    """One part of the data.

    Attributes:
        title: What it is for.
        facts: Name and value of what is counted.
        classes: Boxes of each class, most first.
        sizes: Boxes by the square root of their area.
    """

    title: str
    facts: dict[str, str]
    classes: list[Bar]
    sizes: list[Bar]


@dataclass(frozen=True)
class DataSection:
    """The section.

    Attributes:
        splits: Those whose annotations are still there.
        missing: The annotation files that are not.
        findings: Severity and text of what the check at the run's first start found; None where
            the data was not checked then.
    """

    splits: list[_Split]
    missing: list[str]
    findings: list[tuple[str, str]] | None


def data_section(run: RunFolder, config: Config) -> DataSection:
    """Counts what a run's annotations hold."""
    splits, missing = [], []
    for name, title in _SPLITS.items():
        dataset = config[f"{name}_dataloader"].dataset
        annotations = annotation_file(dataset)
        if annotations.is_file():
            splits.append(split_facts(title, json.loads(annotations.read_text())))
        else:
            missing.append(str(annotations))
    return DataSection(splits, missing, _findings(run))


def _findings(run: RunFolder) -> list[tuple[str, str]] | None:
    """What the check of the data found when the run was started, as severity and text."""
    source = run.annotations / SOURCE_FILE
    messages: list[str] | None = None
    if source.is_file():
        messages = json.loads(source.read_text()).get("messages")
    elif run.data_warnings.is_file():
        messages = json.loads(run.data_warnings.read_text())
    if messages is None:
        return None
    lines = [message.partition(": ") for message in messages]
    return [(severity, text) for severity, _, text in lines]


def split_facts(title: str, content: dict[str, Any]) -> _Split:
    """Counts images and boxes of a COCO dictionary."""
    boxes = content["annotations"]
    sizes = np.array([each["bbox"][2:] for each in boxes], np.float64).reshape(-1, 2)
    sides = mean_sides(sizes)
    per_image = np.unique([each["image_id"] for each in boxes], return_counts=True)[1]
    images = len(content["images"])
    mean, most = len(boxes) / max(images, 1), max(per_image, default=0)
    small, large = (sides < 32).sum(), (sides >= 96).sum()
    facts = {
        "images": f"{images:,}",
        "without boxes": f"{images - len(per_image):,}",
        "size": _image_sizes(content["images"]),
        "boxes": f"{len(boxes):,}",
        "boxes an image": f"{mean:.1f}, at most {most}",
        "small, medium, large": _shares([small, len(boxes) - small - large, large]),
    }
    return _Split(title, facts, _class_bars(content), bars(by_size(sizes)))


def _image_sizes(images: list[dict[str, Any]]) -> str:
    """From the smallest to the largest image."""
    sizes = {(each.get("width", 0), each.get("height", 0)) for each in images}
    if not sizes:
        return "none"
    ends = {min(sizes, key=np.prod), max(sizes, key=np.prod)}
    return " to ".join(f"{width} × {height}" for width, height in sorted(ends, key=np.prod))


def _shares(counts: list[int]) -> str:
    """Parts of a whole in percent."""
    total = sum(counts) or 1
    return ", ".join(f"{100 * count / total:.0f} %" for count in counts)


def _class_bars(content: dict[str, Any]) -> list[Bar]:
    """Boxes of each class, most first."""
    numbers, counts = np.unique(
        [each["category_id"] for each in content["annotations"]], return_counts=True
    )
    found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    named = [(each["name"], found.get(each["id"], 0)) for each in content["categories"]]
    return bars(sorted(named, key=lambda each: -each[1]))
