"""Rules about classes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined
from umop.data.check.repairs import drop_boxes
from umop.data.check.rules import Hit, Rule, box_hits
from umop.data.dataset import DataSet
from umop.system.console import counted

_FEW = 10
"""Boxes to train on under which a class is hardly learned."""
_MANY_CROWDS = 0.1
"""The share of crowds that is said; COCO has 1 %."""


def _blank(examined: Examined) -> Iterator[Hit]:
    is_blank = np.array([not name.strip() for name in examined.data.classes], np.bool_)
    mask = is_blank[examined.data.boxes.label]
    if is_blank.any() and not mask.any():
        yield Hit("one of the classes has no name, and no boxes")
    yield from box_hits(examined, mask, lambda box: "its class has no name")


def _drop_blank(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves out the boxes, and the class with them."""
    data = drop_boxes(examined, hits).data
    kept = [label for label, name in enumerate(data.classes) if name.strip()]
    labels = {old: new for new, old in enumerate(kept)}
    return examined.with_data(with_labels(data, labels, [data.classes[old] for old in kept]))


def _one_letter(examined: Examined) -> Iterator[Hit]:
    for name, count in zip(examined.data.classes, counts(examined.data), strict=True):
        if len(name.strip()) == 1 and count:
            yield Hit(f"'{name}' ({counted(count, 'box')})")


def _differing_by_case(examined: Examined) -> Iterator[Hit]:
    for names in _spellings(examined.data).values():
        yield Hit(" and ".join(f"'{name}' ({counted(count, 'box')})" for name, count in names))


def _spellings(data: DataSet) -> dict[str, list[tuple[str, int]]]:
    """Classes whose names differ by case or spaces only, the most frequent spelling first."""
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, count in zip(data.classes, counts(data), strict=True):
        groups[" ".join(name.casefold().split())].append((name, int(count)))
    several = {key: names for key, names in groups.items() if len(names) > 1}
    return {key: sorted(names, key=lambda each: -each[1]) for key, names in several.items()}


def _merge(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Gives all spellings of a class the most frequent one."""
    del hits
    data = examined.data
    best = {
        other: names[0][0] for names in _spellings(data).values() for other, _ in names
    }  # by the other spellings
    chosen = [best.get(name, name) for name in data.classes]
    names = [name for name in data.classes if best.get(name, name) == name]
    labels = {old: names.index(name) for old, name in enumerate(chosen)}
    return examined.with_data(with_labels(data, labels, names))


def with_labels(data: DataSet, labels: dict[int, int], names: Sequence[str]) -> DataSet:
    """The data set with other classes: new labels by old ones, and their names.

    Args:
        data: The data set.
        labels: The new index of each class that has boxes, by its old one.
        names: The new classes, in the order of their indices; some may have no boxes.
    """
    table = np.array([labels.get(old, -1) for old in range(len(data.classes))], np.int64)
    boxes = replace(data.boxes, label=table[data.boxes.label])
    return replace(data, classes=tuple(names), boxes=boxes, numbers=_numbers_of(data, names))


def _numbers_of(data: DataSet, names: Sequence[str]) -> tuple[int, ...]:
    """The ids of classes by their names; those that the data does not know get ids after them."""
    if not data.numbers:
        return ()
    known = dict(zip(data.classes, data.numbers, strict=True))
    free = itertools.count(max(data.numbers) + 1)
    return tuple(known[name] if name in known else next(free) for name in names)


def _unused(examined: Examined) -> Iterator[Hit]:
    for name, count in zip(examined.data.classes, counts(examined.data), strict=True):
        if not count:
            yield Hit(f"'{name}'")


def _missing_in_a_split(examined: Examined) -> Iterator[Hit]:
    """Classes that are not trained on, or not measured in the split that is taken for that."""
    data = examined.data
    by_split = {split: _single(data, split) for split in data.splits()}
    trained = by_split.pop("train", None)
    if trained is None or not by_split:
        return
    measured = next(iter(by_split))
    for label, name in enumerate(data.classes):
        others = [f"{found[label]} in {split}" for split, found in by_split.items() if found[label]]
        if others and not trained[label]:
            yield Hit(f"'{name}' has no box in train, {' and '.join(others)}")
        elif trained[label] and not by_split[measured][label]:
            yield Hit(f"'{name}' has no box in {measured}, {trained[label]} in train")


def _few(examined: Examined) -> Iterator[Hit]:
    data = examined.data
    trained = _single(data, "train" if "train" in data.splits() else None)
    for name, count in zip(data.classes, trained, strict=True):
        if 0 < count < _FEW:
            yield Hit(f"'{name}' has {counted(count, 'box')} to train on")


def _of_crowds(examined: Examined) -> Iterator[Hit]:
    crowds, total = int(examined.data.boxes.crowd.sum()), len(examined.data.boxes)
    if crowds > _MANY_CROWDS * total:
        yield Hit(f"{crowds} of {total} boxes are crowds (iscrowd or ignore is 1)")


def _only_crowds(examined: Examined) -> Iterator[Hit]:
    data = examined.data
    for name, count, single in zip(data.classes, counts(data), _single(data), strict=True):
        if count and not single:
            yield Hit(f"'{name}': {counted(count, 'box')}, all crowds (iscrowd or ignore is 1)")


def _single(data: DataSet, split: str | None = None) -> NDArray[np.int64]:
    """Boxes of each class that are not crowds, which are those that are trained on."""
    return counts(data.with_boxes(~data.boxes.crowd), split)


def counts(data: DataSet, split: str | None = None) -> NDArray[np.int64]:
    """Boxes of each class, of all splits or one, int64 of shape (classes,)."""
    labels = data.boxes.label
    if split is not None:
        labels = labels[data.in_split(split)[data.boxes.image]]
    return np.bincount(labels, minlength=len(data.classes)).astype(np.int64)


RULES = (
    Rule("category-blank", "error", "class without a name, or box of one",
         _blank, _drop_blank, "left out"),
    Rule("category-case", "warning", "classes whose names differ by case or spaces only",
         _differing_by_case, _merge, "merged", automatic=False),
    Rule("category-one-letter", "warning", "class with a name of one letter", _one_letter),
    Rule("category-unused", "warning", "class without boxes", _unused),
    Rule("category-missing-in-split", "warning", "class without boxes in one split",
         _missing_in_a_split),
    Rule("box-crowd", "warning", "boxes of crowds, which are not trained on", _of_crowds),
    Rule("category-crowd", "warning", "class without a box to train on", _only_crowds),
    Rule("category-few", "warning", f"class with fewer than {_FEW} boxes to train on", _few),
)  # fmt: skip
