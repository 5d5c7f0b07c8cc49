"""Names of classes that files beside the labels give."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import pair, texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_lists_of_classes_that_differ_are_an_error(tmp_path: Path) -> None:
    for split, names in (("train", "cat\ndog\n"), ("valid", "dog\ncat\n")):
        pair(tmp_path, f"{split}/{split}.jpg", f"{split}/{split}.txt")
        write(tmp_path / f"{split}/classes.txt", names)
    [text] = texts(check(open_data(tmp_path)), "annotations-unreadable")
    assert text.startswith("valid/classes.txt: it names other classes than train/classes.txt")


@pytest.mark.parametrize(
    ("file", "text", "encoding"),
    [
        ("classes.txt", "кошка\nсобака\n", "cp1251"),
        ("classes.txt", "犬\nネコ\n", "shift-jis"),
        ("classes.txt", "cat\ndog\n", "utf-16-le"),
        ("data.yaml", "train: images\nnames: [猫, 狗]\n", "gbk"),
    ],
)
def test_names_in_an_unknown_encoding_are_refused(
    tmp_path: Path, file: str, text: str, encoding: str
) -> None:
    yolo(tmp_path, 4)
    (tmp_path / file).write_bytes(text.encode(encoding))
    [said] = texts(check(open_data(tmp_path)), "text-encoding-unknown")
    assert said.startswith(f"{file}: neither UTF-8 nor Latin-1")


def test_names_in_latin_1_are_read_and_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "classes.txt").write_bytes("Größe\ncafé à part\n".encode("latin-1"))
    report = check(open_data(tmp_path))
    assert report.data.classes == ("Größe", "café à part")
    assert [each.text for each in report.findings] == ["classes.txt: read as Latin-1"]


def test_an_empty_line_among_the_classes_is_an_error(tmp_path: Path) -> None:
    """Each class after it may be the one before."""
    yolo(tmp_path, 4)
    write(tmp_path / "classes.txt", "cat\n\ndog\n")
    [text] = texts(check(open_data(tmp_path)), "annotations-unreadable")
    assert text == "classes.txt: line 2 is empty: whether it counts as a class is not clear"
