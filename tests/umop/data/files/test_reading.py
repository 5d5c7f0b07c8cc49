"""Files as other programs write them."""

from __future__ import annotations

from pathlib import Path

from umop.data.files.reading import read_xml


def test_xml_may_begin_with_a_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('\r\n<?xml version="1.0"?>\n<annotation><size/></annotation>')
    assert read_xml(path).find("size") is not None


def test_xml_may_begin_with_a_mark_and_a_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('\n<?xml version="1.0"?>\n<annotation>é</annotation>', "utf-8-sig")
    assert read_xml(path).text == "é"
