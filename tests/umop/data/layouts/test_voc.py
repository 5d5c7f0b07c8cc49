"""Which image an annotation of Pascal VOC is of, and what its objects are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import pair, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data


@pytest.mark.parametrize("folder", ["", "set/"])
@pytest.mark.parametrize("meant", ["jpg", "png"])
def test_of_an_image_and_its_mask_the_named_one_is_taken(
    tmp_path: Path, folder: str, meant: str
) -> None:
    for stem in ("car1", "car2"):
        for suffix in ("jpg", "png"):
            pair(tmp_path, f"{folder}{stem}.{suffix}", None)
        content = voc_xml(("cat", (8, 6, 24, 30)))
        named = content.replace("<size>", f"<filename>{stem}.{meant}</filename><size>")
        write(tmp_path / folder / f"{stem}.xml", named)
    names = [image.path.name for image in open_data(tmp_path).images]
    assert names == [f"car1.{meant}", f"car2.{meant}"]


def annotation(root: Path, objects: str) -> Report:
    pair(root, "a.jpg", None)
    write(root / "a.xml", f"<annotation><filename>a.jpg</filename>{objects}</annotation>")
    return check(open_data(root))


BOX = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>50</xmax><ymax>30</ymax></bndbox>"


@pytest.mark.usefixtures("own_cache")
def test_what_a_person_has_deleted_is_no_object(tmp_path: Path) -> None:
    """LabelMe's web tool keeps it."""
    kept, deleted = (
        f"<object><name>{name}</name><deleted>{value}</deleted>{BOX}</object>"
        for name, value in (("cat", 0), ("dog", 1))
    )
    report = annotation(tmp_path, kept + deleted)
    assert (report.data.classes, len(report.data.boxes)) == (("cat",), 1)
    assert texts(report, "region-ignored") == ["a.xml: object 2 is deleted"]


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("angle", "corners", "said"),
    [
        ("90.0", [25, 5, 35, 45], ["a.xml: object 1, by 90°"]),
        ("0.0", [10, 20, 50, 30], []),
        ("left", [10, 20, 50, 30], []),
    ],
)
def test_a_box_that_cvat_has_turned_gets_the_box_around_it(
    tmp_path: Path, angle: str, corners: list[float], said: list[str]
) -> None:
    attributes = f"<attribute><name>rotation</name><value>{angle}</value></attribute>"
    report = annotation(
        tmp_path,
        f"<object><name>cat</name>{BOX}<attributes>{attributes}</attributes></object>",
    )
    np.testing.assert_allclose(report.data.boxes.corners, [corners])
    assert texts(report, "box-turned") == said


@pytest.mark.usefixtures("own_cache")
def test_an_empty_object_says_that_there_is_none(tmp_path: Path) -> None:
    pair(tmp_path, "b.jpg", "b.xml", voc_xml(("cat", (8, 6, 24, 30))))
    report = annotation(tmp_path, "<object/>")
    assert (len(report.data.images), report.of("error")) == (2, ())


@pytest.mark.usefixtures("own_cache")
def test_an_annotation_beside_two_images_of_its_name_names_both(tmp_path: Path) -> None:
    """As in LLVIP, which has each image in two kinds of light."""
    for number in ("0", "1"):
        for light in ("infrared", "visible"):
            pair(tmp_path, f"{light}/train/{number}.jpg", None)
        write(tmp_path / f"Annotations/{number}.xml", voc_xml(("cat", (8, 6, 24, 30))))
    report = check(open_data(tmp_path))
    assert texts(report, "image-missing") == []
    assert texts(report, "box-of-no-image") == [
        f"Annotations/{number}.xml: it is not clear whether it is of infrared/train/{number}.jpg "
        f"or visible/train/{number}.jpg: keep the folder of one of them only"
        for number in ("0", "1")
    ]
