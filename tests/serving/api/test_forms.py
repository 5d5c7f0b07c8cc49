"""Forms: read in memory and in bounds, and their fields mean what the query's mean."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.api.form import MOST_FIELDS, FormError, read_form
from tests.serving.images import TWO_SQUARES, encode

PNG = encode(TWO_SQUARES)
TYPE = "multipart/form-data; boundary=b"


def part(name: bytes, data: bytes, filename: bytes | None = None) -> bytes:
    file = b"" if filename is None else b'; filename="' + filename + b'"'
    head = b'Content-Disposition: form-data; name="' + name + b'"' + file
    return b"--b\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


def test_parts_are_read_as_they_are() -> None:
    tricky = b"\r\n--\r\n--a\r\n\r\n--c\r\n"
    body = form(part(b"file", tricky, b"a.png"), part(b"x", "é".encode()), part(b"y", b"", b""))
    file, x, y = read_form(b"before\r\n" + body + b"after", TYPE, most_files=2)
    assert (file.field, file.filename, file.data) == ("file", "a.png", tricky)
    assert (x.field, x.filename, x.text) == ("x", None, "é")
    assert (y.field, y.filename, y.data) == ("y", "", b"")


def test_a_file_may_be_named_in_the_extended_way_alone() -> None:
    """RFC 7578 forbids ``filename*``, and some clients write it."""
    head = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%C3%A9.png"
    [file] = read_form(form(b"--b\r\n" + head + b"\r\n\r\n" + PNG + b"\r\n"), TYPE, most_files=1)
    assert (file.field, file.filename, file.data) == ("file", "", PNG)


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", TYPE, "its boundary is not in it"),
        (form(), "multipart/form-data", "its boundary has not 1 to 70"),
        (form(), "multipart/form-data; boundary=" + "b" * 71, "its boundary has not 1 to 70"),
        (form(), TYPE + ";" * 2000, "more than 1024 characters"),
        (part(b"a", b""), TYPE, "cut off"),
        (form(part(b"a", b""))[:-4], TYPE, "cut off"),
        (b"--bX\r\n\r\n\r\n--b--", TYPE, "damaged"),
        (b"--b\r\n\r\n\r\n--b--", TYPE, "no header"),
        (b"--b\r\nA: b\r\n\r\n\r\n--b--", TYPE, "no name"),
        (form(b"--b\r\n" + b"A: b\r\n" * 2000 + part(b"a", b"")[5:]), TYPE, "a long one"),
        (form(part(b"a" + b";" * 40, b"")), TYPE, "more than 32 parameters"),
        (form(*[part(b"a", b"", b"f")] * 2), TYPE, "more than 1 files"),
        (form(*[part(b"a", b"")] * (MOST_FIELDS + 1)), TYPE, f"more than {MOST_FIELDS} fields"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str, reason: str) -> None:
    with pytest.raises(FormError, match=reason):
        read_form(body, content_type, most_files=1)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([b"--b", b"\r\n", b"--", part(b"a", b"x"), b"\x00", b'"', b";"])),
    st.text(alphabet='abc=;"\\ /-', max_size=60),
)
def test_any_bytes_are_a_form_or_refused(pieces: list[bytes], suffix: str) -> None:
    try:
        parts = read_form(b"".join(pieces), TYPE + suffix, most_files=3)
    except FormError:
        return
    assert sum(len(each.data) for each in parts) <= sum(map(len, pieces))


@pytest.mark.parametrize("charset", ["undefined", "punycode", "utf-7", "unicode_escape", "rot13"])
def test_a_charset_is_not_taken_from_the_caller(server: str, charset: str) -> None:
    body = form(part(b"file", PNG, b"\xff\\u0041.png"), part(b"max_detections", b"1"))
    headers = {"Content-Type": f"{TYPE}; charset={charset}"}
    answer = httpx.post(f"{server}/detect", content=body, headers=headers)
    assert answer.status_code == 200
    assert len(answer.json()["detections"]) == 1


def test_a_large_form_of_line_ends_holds_up_nobody(server: str) -> None:
    body = form(part(b"file", b"\r\n\r\n-\r\n--" * 500_000, b"a"))
    answer = httpx.post(f"{server}/detect", content=body, headers={"Content-Type": TYPE}, timeout=5)
    assert answer.status_code == 415


def test_fields_count_as_the_query_does(server: str) -> None:
    fields = {"score_threshold": "0.95", "classes": ["blue", "green"]}
    answer = httpx.post(f"{server}/detect", files={"file": PNG}, data=fields)
    assert [each["label"] for each in answer.json()["detections"]] == ["blue"]
    several = httpx.post(f"{server}/detect/batch", files={"files": PNG}, data=fields)
    [found] = several.json()["results"]
    assert [each["label"] for each in found["detections"]] == ["blue"]


@pytest.mark.parametrize("path", ["/detect", "/detect/batch"])
def test_a_forms_format_counts_as_the_querys_does(server: str, path: str) -> None:
    def post(form: str, **request: str) -> httpx.Response:
        name = "files" if path.endswith("batch") else "file"
        headers = {"Accept": "application/json"}
        return httpx.post(
            server + path, data={"format": form}, files={name: PNG}, headers=headers, params=request
        )

    assert post("csv").headers["content-type"].startswith("text/csv")
    assert post("coco").json()["categories"]
    unknown = post("xml")
    assert unknown.status_code == 422
    assert "the formats are json" in unknown.json()["detail"]
    twice = post("csv", format="json")
    assert twice.json()["detail"] == "format: is in the query and in the form"
    assert (post("png").status_code == 406) == path.endswith("batch")


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"conf": "0.5"}, "the form's field conf: Extra inputs are not permitted"),
        ({"score_threshold": "2"}, "the form's field score_threshold: Input should be less than"),
        ({"max_detections": "1"}, "max_detections: is in the query and in the form"),
        ({"classes": "cat"}, "the model has no class 'cat'"),
    ],
)
def test_fields_that_are_not_options_are_refused(
    server: str, fields: dict[str, str], detail: str
) -> None:
    query = {"max_detections": 5}
    answer = httpx.post(f"{server}/detect", params=query, files={"file": PNG}, data=fields)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize("field", ["image", "score_threshold"])
@pytest.mark.parametrize("path", ["/detect", "/detect/batch"])
def test_a_file_in_another_field_is_refused(server: str, path: str, field: str) -> None:
    """It would be left out without a word, and so would an option that is sent as a file."""
    name = "files" if path.endswith("batch") else "file"
    files = {field: ("x", b"0.99" if field == "score_threshold" else PNG)}
    answer = httpx.post(server + path, files=[(name, PNG), *files.items()])
    assert answer.status_code == 422
    expected = {
        "/detect": "the form cannot be read: it has more than 1 files",
        "/detect/batch": f"the form's field {field}: is a file; files are sent as 'files'",
    }
    assert answer.json()["detail"] == expected[path]


def test_an_empty_field_for_a_file_is_none(server: str) -> None:
    """As browsers send one that nobody has filled in."""
    body = form(part(b"files", PNG, b"a.png"), part(b"more", b"", b""))
    answer = httpx.post(f"{server}/detect/batch", content=body, headers={"Content-Type": TYPE})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/detect", "/detect/batch"])
def test_an_unknown_query_is_refused(server: str, path: str) -> None:
    answer = httpx.post(f"{server}{path}?conf=0.9", files={"file": PNG, "files": PNG})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("query conf: is none of score_threshold")
