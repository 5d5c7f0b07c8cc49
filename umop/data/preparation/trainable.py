"""Whether a data set can be trained on; where not, why not and what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from umop.data.check import Report
from umop.data.dataset import DataSet
from umop.data.preparation.split import with_splits
from umop.system.console import counted, note
from umop.system.errors import UserError


def refuse_errors(report: Report, paths: Sequence[Path]) -> None:
    """Checks that there are no errors.

    Raises:
        UserError: There are; the message has a line for each kind.
    """
    kinds = [
        f"  {rule.title}: {len(found)}, such as {found[0].text}"
        for rule, found in report.by_rule()
        if rule.severity == "error"
    ]
    if kinds:
        copy = f"{paths[-1].resolve().stem}-fixed"
        errors, given = counted(len(report.of("error")), "error"), " ".join(map(str, paths))
        raise UserError(
            "\n".join(
                [
                    f"{given} has {errors}:",
                    *kinds,
                    f"Look at them: umop data check {given} --html check.html",
                    f"Write a repaired copy: umop data check {given} --fix {copy}",
                ]
            )
        )


def messages(report: Report, paths: Sequence[Path]) -> tuple[str, ...]:
    """A line for each kind of warning, and one that says where to see them."""
    lines = [
        f"{rule.severity}: {rule.title}: {len(found)}"
        f"{', ' if found[0].repaired else ''}{found[0].repaired}, such as {found[0].text}"
        for rule, found in report.by_rule()
    ]
    given = " ".join(map(str, paths))
    pointer = f"note: see all of this with umop data check {given} --html check.html"
    return (*lines, pointer) if lines else ()


def require_split(report: Report) -> None:
    """Checks that each part of sound data has a box; says so where it names none for training.

    Raises:
        UserError: One has none.
    """
    listed = set(report.cleaned.splits())
    data = with_splits(report.cleaned, report.records)
    if not data.in_split("train").any():
        named = " and ".join(sorted(listed))
        note(f"It has no images for training, only for {named}: give it to umop eval --data.")
        require_boxes(data, ("val",), listed)
        return
    require_boxes(data, ("train", "val"), listed)


def require_boxes(data: DataSet, splits: Sequence[str], listed: Collection[str]) -> None:
    """Checks that each part that is needed has a box.

    Args:
        data: The data set, split.
        splits: The parts that are needed.
        listed: The splits that the data's own lists or folders name.

    Raises:
        UserError: One has none, such as where only one image has boxes.
    """
    for split in splits:
        if data.in_split(split)[data.boxes.image].any():
            continue
        if listed:
            named = ", ".join(sorted(listed))
            raise UserError(
                f"{data.root} has no box for {split}: its lists or folders name {named} only."
            )
        raise UserError(f"{data.root} cannot be split: {_reason(data)}")


def _reason(data: DataSet) -> str:
    """Why no box is left for validation."""
    images = counted(len(data.images), "image")
    pairs = {*zip(data.boxes.image.tolist(), data.boxes.label.tolist(), strict=True)}
    with_boxes = len({image for image, _ in pairs})
    if len(pairs) == len({label for _, label in pairs}) and with_boxes > 1:
        return (
            f"{images}, {with_boxes} with boxes, and no class has two images: each class needs "
            "two, one to learn from and one to measure with."
        )
    return (
        f"{images}, {with_boxes} with boxes. Training needs two with boxes that are not the same "
        "image, one to learn from and one to measure with."
    )
