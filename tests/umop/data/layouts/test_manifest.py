"""Which of a manifest's jobs counts, and which lines nobody has labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def job(name: str, *boxes: tuple[int, int, int, int], **metadata: str) -> dict[str, Any]:
    sides = [dict(zip(("left", "top", "width", "height"), box, strict=True)) for box in boxes]
    return {
        name: {"annotations": [{**each, "class_id": 0} for each in sides]},
        f"{name}-metadata": {"class-map": {"0": name}, **metadata},
    }


def checked(root: Path, *lines: dict[str, Any]) -> Report:
    names = drawn(root, ["a.jpg", "b.jpg", "c.jpg"])
    entries = (
        {"source-ref": f"s3://b/{name}", **line} for name, line in zip(names, lines, strict=False)
    )
    write(root / "output.manifest", "\n".join(map(json.dumps, entries)))
    return check(open_data(root))


def test_boxes_that_a_job_has_adjusted_count(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        {
            **job("boxes", (1, 1, 9, 9), (2, 2, 9, 9)),
            **job("second", (8, 6, 16, 24), **{"adjustment-status": "adjusted"}),
        },
    )
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30]]
    assert report.data.classes == ("second",)
    assert texts(report, "annotation-unused") == [
        "output.manifest: line 1: 2 boxes of boxes, which second corrects"
    ]


def test_the_newest_of_several_adjustments_counts(tmp_path: Path) -> None:
    dates = {"new": "2024-05-02", "old": "2024-05-01"}
    jobs = [
        job(name, (8, 6, 16, 24), **{"adjustment-status": "adjusted", "creation-date": date})
        for name, date in dates.items()
    ]
    report = checked(tmp_path, {**job("boxes", (1, 1, 9, 9)), **jobs[1], **jobs[0]})
    assert report.data.classes == ("new",)


def test_two_jobs_of_which_none_adjusts_the_other_are_an_error(tmp_path: Path) -> None:
    report = checked(
        tmp_path, {**job("cats", (1, 1, 9, 9)), **job("dogs", (8, 6, 16, 24))}, job("cats")
    )
    assert texts(report, "annotations-unreadable") == [
        "output.manifest: line 1 is not a manifest's: cats and dogs both have boxes: "
        "keep one of them"
    ]


@pytest.mark.parametrize(
    "failed",
    [
        {"weather-metadata": {"failure-reason": "ClientError: expired."}},
        job("second", **{"failure-reason": "expired", "adjustment-status": "adjusted"}),
    ],
)
def test_the_failure_of_another_job_leaves_the_boxes(
    tmp_path: Path, failed: dict[str, Any]
) -> None:
    report = checked(tmp_path, {**failed, **job("boxes", (8, 6, 16, 24))})
    assert report.data.classes == ("boxes",)
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30]]
    assert texts(report, "image-unlabelled") == []


def test_an_image_that_no_job_got_done_is_no_background(tmp_path: Path) -> None:
    failed = {"boxes-metadata": {"failure-reason": "ClientError: Annotation tasks expired."}}
    report = checked(tmp_path, job("boxes", (8, 6, 16, 24)), failed, {})
    assert [image.path.name for image in report.data.images] == ["a.jpg"]
    assert texts(report, "image-unlabelled") == [
        "output.manifest: line 2: boxes-metadata failed: ClientError: Annotation tasks expired.",
        "output.manifest: line 3: no job has drawn its boxes",
    ]
