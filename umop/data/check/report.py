"""Runs the rules one after the other, each on what the ones before have put right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umop.data.check import boxes, categories, conventions, folders, images, reading, splits, turned
from umop.data.check.examined import Examined
from umop.data.check.records import Record, read_records
from umop.data.check.repairs import with_corners
from umop.data.check.rules import Hit, Rule, Severity
from umop.data.dataset import DataSet
from umop.system.console import counted, printable

_BEFORE_SIZES = (*reading.RULES, *images.FILES, *conventions.RULES)
_AFTER_SIZES = (
    *images.SIZES,
    *boxes.RULES,
    *categories.RULES,
    *splits.DUPLICATES,
    *splits.EMPTY,
    *images.REST,
)
RULES = {rule.name: rule for rule in (*_BEFORE_SIZES, *turned.RULES, *_AFTER_SIZES, *folders.RULES)}


@dataclass(frozen=True)
class Finding:
    """One defect.

    Attributes:
        rule: Name of the rule that is broken.
        severity: ``error``, ``warning`` or ``note``.
        text: Where, and what is wrong; one line.
        image: The image's file, where there is one.
        box: The box, xyxy in the upright image's pixels, where there is one.
        repaired: What was done about it; empty where nothing was.
    """

    rule: str
    severity: Severity
    text: str
    image: Path | None
    box: tuple[float, float, float, float] | None
    repaired: str


@dataclass(frozen=True)
class Report:
    """What a check has found.

    Attributes:
        data: The data set as it was read.
        cleaned: What the repairs have left of it; boxes in pixels, every image with its size.
        records: What the images' files hold.
        findings: The defects, in the order of the rules.
    """

    data: DataSet
    cleaned: DataSet
    records: dict[Path, Record | None]
    findings: tuple[Finding, ...]

    def headline(self) -> str:
        """One line about the data set as it was read, and about what can be used of it."""
        left = _counts(self.cleaned)
        usable = f"; {left} can be used" if left != _counts(self.data) else ""
        return data_summary(self.data) + usable

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(each for each in self.findings if each.severity == severity)

    def by_rule(self) -> Iterator[tuple[Rule, list[Finding]]]:
        """The rules that are broken, errors first, each with its findings."""
        grouped: dict[str, list[Finding]] = {}
        for finding in self.findings:
            grouped.setdefault(finding.rule, []).append(finding)
        for severity in ("error", "warning", "note"):
            for name, found in grouped.items():
                if RULES[name].severity == severity:
                    yield RULES[name], found

    def counts(self) -> Counter[str]:
        """Number of findings by severity."""
        return Counter(finding.severity for finding in self.findings)


def check(data: DataSet, everything: bool = False, decode: bool = True) -> Report:
    """Checks a data set, reading every image that has changed since the last time.

    Args:
        data: The data set.
        everything: Whether to repair also what training leaves as it is, such as an image that
            is in both splits.
        decode: Whether to read images whole. Without that it is quick, and damaged images and
            those of the same content are not found.
    """
    records = read_records(data.root, sorted({image.path for image in data.images}), decode)
    examined = Examined(data, records)
    findings: list[Finding] = []
    with np.errstate(invalid="ignore", over="ignore"):  # a rule says which are no numbers
        for rule in _BEFORE_SIZES:
            examined = apply(rule, examined, everything, findings)
        examined = _with_pixels(examined)
        for rule in turned.RULES:
            examined = apply(rule, examined, everything, findings)
        if not any(image.width for image in data.images):
            examined = images.sized(examined, set(range(len(examined.data.images))))
        for rule in _AFTER_SIZES:
            examined = apply(rule, examined, everything, findings)
    return Report(data, examined.data, records, tuple(findings))


def apply(rule: Rule, examined: Examined, everything: bool, findings: list[Finding]) -> Examined:
    """Looks for what breaks a rule.

    Args:
        rule: The rule.
        examined: The data set, as the rules before have left it.
        everything: Whether to repair also what training leaves as it is.
        findings: What is found is added to it.

    Returns:
        The data set, put right where the rule repairs.
    """
    hits = list(rule.find(examined))
    repairs = rule.repair is not None and (rule.automatic or everything)
    findings += [_finding(rule, hit, examined, rule.done if repairs else "") for hit in hits]
    return rule.repair(examined, hits) if hits and repairs and rule.repair else examined


def _finding(rule: Rule, hit: Hit, examined: Examined, repaired: str) -> Finding:
    """A hit, independent of indices that repairs change."""
    image = hit.path
    if hit.image is not None:
        image = examined.data.images[hit.image].path
    box = None if hit.box is None else _corners_of(examined, hit.box)
    return Finding(rule.name, rule.severity, printable(hit.text), image, box, repaired)


def _corners_of(examined: Examined, box: int) -> tuple[float, float, float, float] | None:
    """A box in pixels; None where it has no finite numbers."""
    corners = examined.data.boxes.corners[box]
    if examined.data.relative:
        corners = corners * conventions.actual_sizes(examined)[box]
    if not np.isfinite(corners).all():
        return None
    x1, y1, x2, y2 = corners.tolist()
    return x1, y1, x2, y2


def _with_pixels(examined: Examined) -> Examined:
    """Turns boxes into pixels."""
    if not examined.data.relative:
        return examined
    corners = examined.data.boxes.corners * conventions.actual_sizes(examined)
    return with_corners(examined, corners, relative=False)


def data_summary(data: DataSet) -> str:
    """One line about a data set: its layout, images, boxes and classes."""
    return f"{data.root}: {data.layout}, {_counts(data)}"


def _counts(data: DataSet) -> str:
    """The images of each split, the boxes and the classes."""
    counts = [(int(data.in_split(split).sum()), split) for split in data.splits()]
    images = ", ".join(f"{count} {split}" for count, split in counts)
    return ", ".join(
        [
            images or counted(len(data.images), "image"),
            counted(len(data.boxes), "box"),
            counted(len(data.classes), "class"),
        ]
    )
