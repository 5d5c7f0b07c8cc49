"""Rules about annotation files: what a reader could not make sense of, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from umop.data.check.examined import Examined
from umop.data.check.repairs import leave
from umop.data.check.rules import Hit, Rule, Severity

KINDS: tuple[tuple[str, Severity, str, str], ...] = (
    ("annotations-unreadable", "error", "annotation that cannot be read", "left out"),
    ("annotation-missing", "error", "listed annotation file that is not there", "left out"),
    ("annotation-numbers", "error", "annotation without 4 numbers", "left out"),
    ("shape-without-box", "warning", "shape that encloses nothing, such as points", "left out"),
    ("image-id-twice", "error", "id of two images", "boxes left out"),
    ("annotation-id-twice", "warning", "id of two annotations", "renumbered"),
    ("listed-twice", "warning", "image that is listed twice", "kept once"),
    ("box-of-no-image", "error", "annotation of an image that is not listed", "left out"),
    ("category-unknown", "error", "annotation of an unknown class", "left out"),
    ("category-twice", "error", "two classes of one name or id", "taken for one"),
    (
        "category-count",
        "warning",
        "number of classes that is not that of their names",
        "names taken",
    ),
)


def problems(rule: str) -> Callable[[Examined], Iterator[Hit]]:
    """Finds what a reader has noted under a rule's name."""

    def find(examined: Examined) -> Iterator[Hit]:
        for problem in examined.data.problems:
            if problem.rule == rule:
                yield Hit(problem.text, path=problem.image)

    return find


RULES = tuple(
    Rule(name, severity, title, problems(name), leave, done)
    for name, severity, title, done in KINDS
)
