"""Joins what was found in several folders that are one data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from umop.data.check import categories, folders, splits
from umop.data.check.categories import with_labels
from umop.data.check.examined import Examined
from umop.data.check.report import Finding, Report, apply
from umop.data.dataset import Boxes, DataSet, Image

_OF_ALL = (*categories.RULES, *splits.DUPLICATES, *splits.EMPTY)
"""Rules that one folder may break where all together do not, and the other way."""


def join(reports: Sequence[Report], everything: bool = False) -> Report:
    """The report on several folders as one data set.

    Classes are the same where their names are. Of an image that is in several folders, the last
    one's is kept, with its boxes, in the split that the first one's is in.

    Args:
        reports: One for each folder; what they have left has all its splits.
        everything: Whether to repair also what training leaves as it is.
    """
    data = _concatenated([report.cleaned for report in reports])
    records = {path: record for report in reports for path, record in report.records.items()}
    examined = Examined(data, records)
    checked_again = {rule.name for rule in _OF_ALL}
    findings = [
        _named(finding, report.data.root)
        for report in reports
        for finding in report.findings
        if finding.rule not in checked_again
    ]
    for rule in (*folders.RULES, *_OF_ALL):
        examined = apply(rule, examined, everything, findings)
    return Report(data, examined.data, records, tuple(findings))


def _named(finding: Finding, folder: Path) -> Finding:
    """A finding that says in which folder it is."""
    return replace(finding, text=f"{folder.name}: {finding.text}")


def _concatenated(sets: Sequence[DataSet]) -> DataSet:
    """All images and boxes, one folder behind the other."""
    classes = tuple(dict.fromkeys(name for data in sets for name in data.classes))
    labels = {name: label for label, name in enumerate(classes)}
    same = [
        with_labels(each, {old: labels[name] for old, name in enumerate(each.classes)}, classes)
        for each in sets
    ]
    starts = np.cumsum([0, *(len(each.images) for each in same)])
    boxes = [
        replace(each.boxes, image=each.boxes.image + start)
        for each, start in zip(same, starts, strict=False)
    ]
    return DataSet(
        root=Path(os.path.commonpath([each.root for each in sets])),
        layout=", ".join(dict.fromkeys(each.layout for each in sets)),
        classes=classes,
        images=tuple(_numbered(image, n) for n, each in enumerate(same) for image in each.images),
        boxes=Boxes(
            **{
                name: np.concatenate([vars(each)[name] for each in boxes])
                for name in vars(boxes[0])
            }
        ),
        unlisted=tuple(path for each in sets for path in each.unlisted),
    )


def _numbered(image: Image, folder: int) -> Image:
    """An image that knows its folder; its id may be another's in another folder."""
    return replace(image, folder=folder, number=None)
