"""Rules about annotation files: what a reader stumbled over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from umop.data.check.examined import Examined
from umop.data.check.repairs import leave_as_read
from umop.data.check.rules import Hit, Rule, Severity

_KINDS: tuple[tuple[str, Severity, str, str], ...] = (
    ("annotations-unreadable", "error", "annotation that cannot be read", "left out"),
    ("annotation-missing", "error", "listed annotation file that is not there", "left out"),
    ("annotation-numbers", "error", "annotation without 4 numbers", "left out"),
    ("shape-without-box", "warning", "shape of which no box is read, such as points", "left out"),
    ("box-of-polygon", "warning", "object with a polygon, and a box that is missing or of zeros",
     "the box around it taken"),
    ("annotation-unused", "warning",
     "boxes of a second person, cancelled, drafted, predicted, corrected since, or of a tag "
     "without labels",
     "left out"),
    ("image-unlabelled", "warning", "image that a labelling job did not get done", "left out"),
    ("box-turned", "note", "box with an angle", "the upright box around it taken"),
    ("image-id-twice", "error", "id of two images", "boxes left out"),
    ("annotation-id-twice", "warning", "id of two annotations", "renumbered"),
    ("listed-twice", "warning", "image that is listed twice",
     "kept once, with the boxes of both"),
    ("file-claimed-twice", "error", "image file that two annotations take for theirs",
     "boxes left out"),
    ("image-named-otherwise", "warning", "annotation that names another image than its file does",
     "its file's name taken"),
    ("layout-unused", "warning", "annotations in another layout beside these", "not used"),
    ("background-labelled", "warning", "images that only another layout has boxes of",
     "kept without a box, as their own files say"),
    ("layout-mixed", "error", "images that only another layout has boxes of", "left out"),
    ("file-unused", "warning", "file that names images or boxes, and is not used", ""),
    ("companion-unused", "note", "COCO's other files beside its instances", "not used"),
    ("split-unclear", "note", "folder whose name says train, in one that says val or test",
     "taken for training"),
    ("split-unnamed", "note", "images without a split beside others", "taken for training"),
    ("list-unused", "warning", "list or description that is not used", ""),
    ("images-in-no-list", "warning", "annotated images that no list or folder of a split has",
     "not used"),
    ("labels-unused", "warning", "label file of an image that has another", "not used"),
    ("labels-shared", "warning", "label file of several images", ""),
    ("keypoints-unnamed", "warning", "keypoints that kpt_shape does not name", "boxes taken"),
    ("confidences-unused", "warning", "number behind each box, taken for a confidence",
     "boxes taken"),
    ("tracks-unused", "note", "lines of a tracker", "boxes taken"),
    ("text-encoding", "warning", "text that is not UTF-8: look at the classes' names", ""),
    ("text-encoding-unknown", "error", "names of classes in an encoding that is not known", ""),
    ("region-ignored", "note", "region that its format says to ignore", "left out"),
    ("box-of-no-image", "error", "annotation of an image that is not listed", "left out"),
    ("category-unknown", "error", "annotation of an unknown class", "left out"),
    ("category-twice", "error", "two classes of one name or id", "taken for one"),
    (
        "category-count",
        "warning",
        "number of classes that is not that of their names",
        "names taken",
    ),
)  # fmt: skip


def _noted(rule: str) -> Callable[[Examined], Iterator[Hit]]:
    """Finds what a reader has noted under a rule's name."""

    def find(examined: Examined) -> Iterator[Hit]:
        for issue in examined.data.issues:
            if issue.rule == rule:
                yield Hit(issue.text, path=issue.image)

    return find


RULES = tuple(
    Rule(name, severity, title, _noted(name), leave_as_read, done)
    for name, severity, title, done in _KINDS
)
