"""What the columns of a CSV are called, and what its values say where that is not enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import counts, drawn, pair, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")

BOXES = ((8, 6, 24, 30), (20, 10, 35, 25), (32, 12, 60, 36), (2, 3, 12, 15))
VALUES = {
    "xmin": lambda box: box[0],
    "ymin": lambda box: box[1],
    "xmax": lambda box: box[2],
    "ymax": lambda box: box[3],
    "xcenter": lambda box: (box[0] + box[2]) / 2,
    "ycenter": lambda box: (box[1] + box[3]) / 2,
    "w": lambda box: box[2] - box[0],
    "h": lambda box: box[3] - box[1],
    "bbox": lambda box: f'"[{box[0]}, {box[1]}, {box[2] - box[0]}, {box[3] - box[1]}]"',
}


def checked(root: Path, header: str, row: str) -> Report:
    """A table of two images with a cat and dogs; a row names :data:`VALUES` in braces."""
    lines = [header]
    for number, name in enumerate(drawn(root, ["a.jpg", "b.jpg"])):
        for index, box in enumerate(BOXES):
            values = {key: value(box) for key, value in VALUES.items()}
            label = "dog" if index else "cat"
            lines.append(row.format(name=name, stem=name[0], i=number, label=label, **values))
    write(root / "boxes.csv", "\n".join(lines))
    return check(open_data(root))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "ImageID,XMin,YMin,XMax,YMax,ClassName",
            "{stem},{xmin},{ymin},{xmax},{ymax},{label}",
        ),
        (
            "file_name,bbox_xmin,bbox_ymin,bbox_xmax,bbox_ymax,label",
            "{name},{xmin},{ymin},{xmax},{ymax},{label}",
        ),
        (
            "img_path,x_min,y_min,x_max,y_max,category_name",
            "{name},{xmin},{ymin},{xmax},{ymax},{label}",
        ),
        ("Image Name,X1,Y1,X2,Y2,Class", "{name},{xmin},{ymin},{xmax},{ymax},{label}"),
        ("id,x1,y1,x2,y2,target", "{name},{xmin},{ymin},{xmax},{ymax},{label}"),
        ("frame,xmin,xmax,ymin,ymax,class_id", "{name},{xmin},{xmax},{ymin},{ymax},{label}"),
        ("image_id,file_name,x1,y1,x2,y2,label", "{i},{name},{xmin},{ymin},{xmax},{ymax},{label}"),
        ("image,label,label_name,x1,y1,x2,y2", "{name},7,{label},{xmin},{ymin},{xmax},{ymax}"),
        ("image,label,class_name,x1,y1,x2,y2", "{name},{label},pet,{xmin},{ymin},{xmax},{ymax}"),
        ("image,file,x1,y1,x2,y2,label", "{name},mask.png,{xmin},{ymin},{xmax},{ymax},{label}"),
        ("image,x1,y1,x2,y2,label,to", "{name},{xmin},{ymin},{xmax},{ymax},{label},test"),
        (
            "image,x_center,y_center,width,height,label",
            "{name},{xcenter},{ycenter},{w},{h},{label}",
        ),
        ("image,width,height,x,y,bw,bh,class", "{name},64,48,{xmin},{ymin},{w},{h},{label}"),
        ("image_id,width,height,bbox,class", "{stem},64,48,{bbox},{label}"),
        (
            "filename;xmin;ymin;xmax;ymax;class",
            "{name};{xmin},0;{ymin},0;{xmax},0;{ymax},0;{label}",
        ),
    ],
)
def test_a_table_whose_columns_are_clear_is_read(tmp_path: Path, header: str, row: str) -> None:
    report = checked(tmp_path, header, row)
    assert report.of("error") == ()
    assert report.data.classes == ("cat", "dog")
    assert report.data.boxes.corners.tolist() == [list(box) for box in BOXES] * 2


def test_the_size_of_the_image_is_not_taken_for_the_boxs(tmp_path: Path) -> None:
    """``--fix`` would make two corners of it, all of which end in the lower right."""
    report = checked(
        tmp_path, "image,width,height,x,y,xlen,ylen,class", "{name},64,48,{xmin},{ymin},{w},{h},cat"
    )
    [text] = texts(report, "annotations-unreadable")
    assert text.startswith("boxes.csv: the width and height are the same for all boxes of an image")
    assert len(report.data.boxes) == 0


def test_boxes_of_one_size_are_read(tmp_path: Path) -> None:
    report = checked(
        tmp_path, "image,x,y,bbox_width,bbox_height,class", "{name},{xmin},6,40,40,cat"
    )
    assert len(report.data.boxes) == 8


def test_a_column_of_splits_may_have_any_name(tmp_path: Path) -> None:
    header = "image,x1,y1,x2,y2,label,where"
    lines = [header, "a.jpg,8,6,24,30,cat,Train", "b.jpg,8,6,24,30,cat,Valid"]
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    write(tmp_path / "boxes.csv", "\n".join(lines))
    assert counts(open_data(tmp_path)) == {"train": 1, "val": 1}
    write(tmp_path / "boxes.csv", "\n".join([*lines, "b.jpg,9,9,24,30,cat,Basel"]))
    assert counts(open_data(tmp_path)) == {None: 2}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,x1,y1,x2,y2,label,score", "{name},1,1,9,9,{label},0.9"),
        ("image_name,class_name,bbox", "{name},{label},{bbox}"),
        ("image,x_center,y_center,width,height,label", "{name},0.5,0.5,0.1,0.1,{label}"),
    ],
)
def test_what_may_be_no_labels_gives_way_to_labels(tmp_path: Path, header: str, row: str) -> None:
    pair(tmp_path, "a.jpg", "a.txt")
    write(tmp_path / "classes.txt", "cat\ndog\n")
    report = checked(tmp_path, header, row)
    assert report.data.layout == "YOLO"
    [text] = texts(report, "layout-unused")
    assert text.startswith("CSV: boxes of 2 images in 1 file")


def test_commas_between_thousands_are_no_decimals(tmp_path: Path) -> None:
    report = checked(tmp_path, "image;x1;y1;x2;y2;label", "{name};900;10;1,150;600;{label}")
    assert len(texts(report, "annotation-numbers")) == 2 * len(BOXES)


def test_a_box_that_is_no_four_numbers_is_said(tmp_path: Path) -> None:
    report = checked(tmp_path, "image,bbox,class", '{name},"[1, 2, {w}]",cat')
    assert (
        texts(report, "annotation-numbers")[0]
        == "boxes.csv: line 2 has no box of 4 numbers: 1, 2, 16"
    )


def test_numbers_of_frames_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="in no layout that is known"):
        checked(tmp_path, "frame,x1,y1,x2,y2,label", "{i},{xmin},{ymin},{xmax},{ymax},cat")
