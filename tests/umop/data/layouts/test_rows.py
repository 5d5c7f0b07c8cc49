"""What the rows of a CSV say beside their boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def checked(root: Path, *rows: str) -> Report:
    write(root / "boxes.csv", "\n".join(rows))
    return check(open_data(root))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,x1,y1,x2,y2,x3,y3,x4,y4,class", "a.jpg,20,6,24,20,12,30,8,10,cat"),
        ("image,X_1,Y_1,X_2,Y_2,X_3,Y_3,X_4,Y_4,class", "a.jpg,24,20,12,30,8,10,20,6,cat"),
        ("image,x0,y0,x1,y1,x2,y2,x3,y3,class", "a.jpg,20,6,24,20,12,30,8,10,cat"),
        ("image,x1,y1,x2,y2,x3,y3,x4,y4,class", "a.jpg,8,6,24,30,,,,,cat"),
    ],
)
def test_a_polygon_gets_the_box_around_it(tmp_path: Path, header: str, row: str) -> None:
    drawn(tmp_path, ["a.jpg"])
    report = checked(tmp_path, header, row)
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30]]


def test_a_polygon_with_half_a_corner_is_an_error(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    report = checked(tmp_path, "image,x1,y1,x2,y2,x3,y3,class", "a.jpg,8,6,24,30,9,,cat")
    assert len(texts(report, "annotation-numbers")) == 1


def test_boxes_of_a_second_person_are_left_out_and_said(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    report = checked(
        tmp_path,
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max",
        "a,Nodule,1,R1,8,6,24,30",
        "a,Nodule,1,R2,8,6,25,31",
        "a,Nodule,1,R1,30,6,40,20",
        "b,No finding,14,R2,,,,",
        "b,Nodule,1,R3,8,6,24,30",
    )
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30], [30, 6, 40, 20]]
    assert texts(report, "annotation-unused") == [
        "boxes.csv: a: 1 box by another person",
        "boxes.csv: b: 1 box by another person",
    ]


def test_boxes_that_several_persons_drew_in_turn_are_all_read(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    header = "image,x1,y1,x2,y2,label,annotator"
    report = checked(tmp_path, header, "a.jpg,8,6,24,30,cat,bob", "a.jpg,30,6,40,20,dog,alice")
    assert report.data.classes == ("cat", "dog")
    assert (len(report.data.boxes), texts(report, "annotation-unused")) == (2, [])


@pytest.mark.parametrize("folders", [("dogs", "cats"), ("Desktop", "images"), ("images", "C:\\x")])
def test_a_folder_that_is_no_place_here_does_not_count(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    drawn(tmp_path, ["images/0.jpg"])
    header = "folder,filename,xmin,ymin,xmax,ymax,class"
    rows = [f"{folder},0.jpg,{x},6,40,30,cat" for x, folder in enumerate(folders, start=8)]
    report = checked(tmp_path, header, *rows)
    assert report.data.boxes.corners[:, 0].tolist() == [8, 9]
    assert (len(report.data.images), report.of("error")) == (1, ())


def test_images_that_their_folders_lack_are_not_one_elsewhere(tmp_path: Path) -> None:
    drawn(tmp_path, ["a/1.jpg", "b/1.jpg", "0.jpg"])
    header = "folder,filename,xmin,ymin,xmax,ymax,class"
    report = checked(tmp_path, header, "a,0.jpg,9,6,24,30,cat", "b,0.jpg,10,6,24,30,cat")
    assert texts(report, "file-claimed-twice") == ["0.jpg: a/0.jpg and b/0.jpg, two images"]


def test_a_table_without_names_may_begin_with_an_image_without_boxes(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    report = checked(tmp_path, "a.jpg,nan,nan,nan,nan,", "b.jpg,8,6,24,30,cat")
    assert report.data.layout == "CSV"
    assert report.data.with_images(np.array([False, True])).boxes.corners.tolist() == [
        [8, 6, 24, 30]
    ]


def test_a_folder_may_have_a_column(tmp_path: Path) -> None:
    drawn(tmp_path, ["a/0.jpg", "b/0.jpg", "c.jpg"])
    report = checked(
        tmp_path,
        "folder,filename,xmin,ymin,xmax,ymax,class",
        "a,0.jpg,8,6,24,30,cat",
        "b,0.jpg,9,6,24,30,cat",
        "VOC2007,c.jpg,10,6,24,30,cat",
    )
    names = [report.data.name(image.path) for image in report.data.images]
    assert (names, report.of("error")) == (["a/0.jpg", "b/0.jpg", "c.jpg"], ())
    assert report.data.boxes.corners[:, 0].tolist() == [8, 9, 10]


def test_a_value_in_quotes_may_hold_a_line_break(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    report = checked(
        tmp_path,
        "filename,comment,xmin,ymin,xmax,ymax,class",
        'a.jpg,"seen\nat dusk",8,6,24,30,cat',
        'b.jpg,"seen\r\nat dusk",8,6,24,thirty,cat',
    )
    assert (len(report.data.images), len(report.data.boxes)) == (2, 1)
    assert texts(report, "annotation-numbers") == [
        "boxes.csv: line 5 has no box of 4 numbers: 8, 6, 24, thirty"
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (
            "image,x1,y1,x2,y2,label,comment",
            ('a.jpg,8,6,24,30,cat,"unclear', "b.jpg,,,,,,", 'c.jpg,9,6,24,30,dog,blurry"'),
        ),
        (
            "image,comment,x1,y1,x2,y2,label",
            ('a.jpg,"unclear,8,6,24,30,cat', "b.jpg,,,,,,", 'c.jpg,blurry",9,6,24,30,dog'),
        ),
    ],
)
def test_a_quote_that_takes_other_rows_with_it_is_an_error(
    tmp_path: Path, header: str, rows: tuple[str, ...], end: str
) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    write(tmp_path / "boxes.csv", "\n".join((header, *rows)).replace("\n", end))
    assert texts(check(open_data(tmp_path)), "annotations-unreadable") == [
        "boxes.csv: line 4 ends quotes with another row in them: is one missing? b.jpg,,,,,,"
    ]


@pytest.mark.parametrize(
    "comment", ["seen, from, afar, at, dusk,\nby, two, or, three, men, or so", "[1, 2,\n3, 4]"]
)
def test_a_comment_may_be_long(tmp_path: Path, comment: str) -> None:
    drawn(tmp_path, ["a.jpg", "1.jpg"])
    header = "image,x1,y1,x2,y2,label,comment"
    report = checked(tmp_path, header, f'a.jpg,8,6,24,30,cat,"{comment}"')
    assert (len(report.data.boxes), report.of("error")) == (1, ())


def test_a_line_break_in_a_value_that_counts_is_an_error(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    rows = ('a.jpg,8,6,24,30,"cat', 'or dog"', "a.jpg,30,6,40,20,cat")
    report = checked(tmp_path, "image,x1,y1,x2,y2,label", *rows)
    assert texts(report, "annotations-unreadable") == [
        "boxes.csv: line 3 has a line break in its label: is a quote missing?"
    ]


@pytest.mark.parametrize("more", ["", '"open, 1'])
def test_a_quote_may_follow_a_space(tmp_path: Path, more: str) -> None:
    drawn(tmp_path, ["a.jpg"])
    header = '"label", "image", "x1", "y1", "x2", "y2", "comment"'
    report = checked(tmp_path, header, f'"cat", "a.jpg", 8, 6, 24, 30, {more}')
    assert (report.data.classes, report.of("error")) == (("cat",), ())
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30]]


def test_one_name_in_two_splits_is_two_images(tmp_path: Path) -> None:
    drawn(tmp_path, ["train/1.jpg", "val/1.jpg"])
    header = "filename,xmin,ymin,xmax,ymax,class,split"
    rows = ("1.jpg,8,6,24,30,cat,train", "1.jpg,9,6,24,30,dog,val", "1.jpg,30,6,40,20,dog,val")
    data = checked(tmp_path, header, *rows).data
    assert [(data.name(image.path), image.split) for image in data.images] == [
        ("train/1.jpg", "train"),
        ("val/1.jpg", "val"),
    ]
    assert data.boxes.image.tolist() == [0, 1, 1]
    assert data.unlisted == ()


def test_an_image_of_two_splits_is_one_and_said(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    rows = ("a.jpg,8,6,24,30,cat,train", "a.jpg,9,6,24,30,cat,val", "a.jpg,9,7,24,30,cat,")
    report = checked(tmp_path, "filename,xmin,ymin,xmax,ymax,class,split", *rows)
    assert [image.split for image in report.data.images] == ["train"]
    assert len(report.data.boxes) == 3
    assert texts(report, "listed-twice") == ["boxes.csv: a.jpg is in train and val: train counts"]


def test_a_split_counts_for_all_rows_of_its_image(tmp_path: Path) -> None:
    drawn(tmp_path, ["train/a.jpg", "val/a.jpg", "val/b.jpg"])
    rows = ("a.jpg,8,6,24,30,cat,train", "a.jpg,9,6,24,30,cat,", "b.jpg,9,7,24,30,cat,val")
    report = checked(tmp_path, "filename,xmin,ymin,xmax,ymax,class,split", *rows)
    names = [report.data.name(image.path) for image in report.data.images]
    assert (names, report.data.boxes.image.tolist()) == (["train/a.jpg", "val/b.jpg"], [0, 0, 1])


def test_a_quote_that_is_cut_off_hides_no_columns(tmp_path: Path) -> None:
    """Only the start of a table is looked at first."""
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    comment = "x\n" * 50_000
    report = checked(
        tmp_path,
        "comment,name,class,id,x1,y1,x2,y2",
        "short,cat,7,a.jpg,8,6,24,30",
        f'"{comment}",dog,8,b.jpg,8,6,24,30',
    )
    assert (report.data.classes, report.of("error")) == (("cat", "dog"), ())


def test_a_table_that_lacks_only_its_labels_is_named(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    with pytest.raises(UserError, match=r"boxes\.csv lacks only label: add the class of each box"):
        checked(tmp_path, "image,xmin,ymin,xmax,ymax", "a.jpg,8,6,24,30")
