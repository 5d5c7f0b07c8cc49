"""What ``umop predict`` reads, and how much of it."""

from __future__ import annotations

import json
import os
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import trustme

from serving.predict.inputs import item, open_inputs
from serving.predict.inputs.errors import InputError
from serving.predict.inputs.web import WebImage
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.predict.conftest import Predict
from tests.zips import zip_with_a_name_that_is_no_text

PNG = encode(TWO_SQUARES)
SURE = ("--score", "0.95")
TWO = ["red", "blue"]


def labels(out: str) -> dict[str, list[str]]:
    """The classes that were found, by the image's name."""
    return {
        each["name"]: [found["label"] for found in each["detections"]]
        for each in json.loads(out)["results"]
    }


def names(*paths: str, skip: Path | None = None) -> list[str]:
    return [each.name for each in open_inputs(paths, 1, skip).items()]


@contextmanager
def web(body: bytes, certificate: trustme.LeafCert, **headers: str) -> Iterator[str]:
    """The address of an https server that answers with the body, and at ``/moved`` with a hop."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_moved = self.path.startswith("/moved")
            is_gone = self.path.startswith("/gone")
            self.send_response(302 if is_moved else 404 if is_gone else 200)
            length = 0 if is_moved else len(body)
            for name, value in {"Location": "/a.png", "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:length])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with web(PNG, authority.issue_cert("localhost")) as url:
        yield url


def test_each_way_to_an_image_finds_the_same(predict: Predict, folder: Path, url: str) -> None:
    with ZipFile("some.zip", "w") as archive:
        archive.writestr("deep/two.png", PNG)
        archive.writestr("__MACOSX/deep/._two.png", b"not an image")
    paths = ("images/two.png", "imag*/t*.png", "some.zip", "-", f"{url}/moved?id=1")
    code, out, err = predict(*paths, *SURE, stdin=PNG)
    assert (code, err) == (0, "")
    web_name = f"{url}/moved?id=1"
    assert labels(out) == dict.fromkeys(
        ["images/two.png", "some.zip/deep/two.png", "stdin", web_name], TWO
    )
    code, *_ = predict(*paths, "--out", "out", "--draw", *SURE, stdin=PNG)
    drawn = sorted(str(path.relative_to("out/drawn")) for path in Path("out/drawn").rglob("*.jpg"))
    assert drawn == [
        *("images/two.jpg", f"localhost_{url.rpartition(':')[2]}/moved_id_1.jpg"),
        *("some.zip/deep/two.jpg", "stdin.jpg"),
    ]


def test_another_image_on_standard_input_is_looked_at(predict: Predict, folder: Path) -> None:
    predict("-", "--out", "out", *SURE, stdin=PNG)
    predict("-", "--out", "out", *SURE, stdin=encode(paint(99, 99)))
    assert labels((folder / "out" / "predictions.json").read_text()) == {"stdin": []}


def test_another_image_in_a_pipe_is_looked_at(predict: Predict, folder: Path) -> None:
    os.mkfifo("pipe")
    for image, found in ((PNG, TWO), (PNG, TWO), (encode(paint(99, 99)), [])):
        Thread(target=Path("pipe").write_bytes, args=(image,), daemon=True).start()
        assert predict("pipe", "--out", "out", *SURE)[0] == 0
        assert labels((folder / "out" / "predictions.json").read_text())["pipe"] == found


def test_an_address_that_does_not_answer_with_an_image_fails_alone(
    predict: Predict, folder: Path, url: str
) -> None:
    secret = url.replace("//", "//user:password@")
    code, out, err = predict(f"{secret}/gone", "http://127.0.0.1:9/a.png", "images/two.png", *SURE)
    assert code == 1
    assert labels(out) == {"images/two.png": TWO}
    gone, refused = err.splitlines()
    assert gone == f"{url}/gone: the server answered 404"
    assert refused.startswith("http://127.0.0.1:9/a.png: cannot be fetched: ")


def test_an_address_that_is_none_fails_alone(predict: Predict, folder: Path) -> None:
    code, out, err = predict("http://[x", "images/two.png", *SURE)
    assert code == 1
    assert labels(out) == {"images/two.png": TWO}
    assert err == "a web address: is not valid: Invalid IPv6 URL\n"


@pytest.mark.parametrize("name", ["two.jfif", "two.JPE"])
def test_a_folders_rare_suffixes_are_images_as_in_training(folder: Path, name: str) -> None:
    (folder / "images" / "two.png").rename(folder / "images" / name)
    assert names("images") == ["inside/none.jpg", name]


def test_one_folder_or_zip_alone_gives_names_inside_of_it(folder: Path) -> None:
    assert names("images") == ["inside/none.jpg", "two.png"]
    assert names(f"{folder}/images/") == ["inside/none.jpg", "two.png"]
    assert names("images/two.png") == ["two.png"]
    assert names("images/", "images/two.png")[-1] == "images/two.png"


def test_a_file_is_an_image_once_however_it_is_spelled(folder: Path) -> None:
    two = ("images/two.png", "./images/two.png", "images/../images/two.png")
    assert names(*two, f"{folder}/images/two.png", "images/") == [two[0], "images/inside/none.jpg"]
    assert names("images", "images/inside", "./images") == [
        *("images/inside/none.jpg", "images/two.png")
    ]
    (folder / "other").symlink_to("images")
    assert len(names("images", "other")) == 4, "links have names of their own"


def test_standard_input_is_not_the_file_of_its_name(predict: Predict, folder: Path) -> None:
    Path("stdin").write_bytes(PNG)
    code, out, _ = predict("-", "stdin", *SURE, stdin=encode(paint(99, 99)))
    found = [len(each["detections"]) for each in json.loads(out)["results"]]
    assert (code, found) == (0, [0, 2])


def test_standard_input_that_is_too_large_does_not_hide_the_file_of_its_name(
    predict: Predict, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item, "MOST_FILE_BYTES", 2**20)
    Path("stdin").write_bytes(PNG)
    code, out, err = predict("-", "stdin", *SURE, stdin=bytes(2**21))
    assert (code, labels(out)) == (1, {"stdin": TWO})
    assert err.count("\n") == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_of_a_zip_are_told_apart_by_their_names_and_the_last_of_one_counts(
    predict: Predict, folder: Path
) -> None:
    with ZipFile("some.zip", "w") as archive:
        for name, image in (("y.png", encode(paint(99, 99))), ("d/../y.png", PNG), ("y.png", PNG)):
            archive.writestr(name, image)
    code, out, _ = predict("some.zip", "images/two.png", f"{folder}/some.zip", *SURE)
    assert code == 0
    named = [(each["name"], len(each["detections"])) for each in json.loads(out)["results"]]
    assert named == [("some.zip/y.png", 2), ("some.zip/d/../y.png", 2), ("images/two.png", 2)]


def test_what_is_no_image_is_passed_over_in_a_folder(folder: Path) -> None:
    images = folder / "images"
    (images / "._two.png").write_bytes(b"what macOS writes beside a file")
    (images / "folder.png").mkdir()
    os.mkfifo(images / "pipe.png")
    (images / "loop").symlink_to(images)
    (images / "again.png").symlink_to("two.png")
    (images / "gone.png").symlink_to("nowhere")
    assert names("images") == ["again.png", "gone.png", "inside/none.jpg", "two.png"]
    assert names("images", skip=images / "inside") == ["again.png", "gone.png", "two.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_listed_fails_alone(predict: Predict, folder: Path) -> None:
    (folder / "images" / "inside").chmod(0)
    code, out, err = predict("images", *SURE)
    (folder / "images" / "inside").chmod(stat.S_IRWXU)
    assert (code, labels(out)) == (1, {"two.png": TWO})
    assert err == "inside/: Permission denied\n"


def test_a_link_that_leads_nowhere_and_a_name_that_is_no_text_are_said(
    predict: Predict, folder: Path
) -> None:
    Path(os.fsdecode(b"images/\xff.png")).write_bytes(PNG)
    (folder / "images" / "gone.png").symlink_to("nowhere")
    code, out, err = predict("images", "--out", "out", "--draw", *SURE)
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == "gone.png: No such file or directory"
    assert "\\udcff.png" in labels((folder / "out" / "predictions.json").read_text())
    assert Path("out/drawn/_udcff.jpg").exists()


def test_a_zip_that_would_unpack_without_end_is_refused(
    predict: Predict, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.zips._ALWAYS_ALLOWED", 2**20)
    with ZipFile("bomb.zip", "w", ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", bytes(2**24))
    code, out, err = predict("bomb.zip", "images/two.png", *SURE)
    assert (code, labels(out)) == (1, {"images/two.png": TWO})
    assert err == (
        "bomb.zip: cannot be read as a zip: it would unpack to 0.1 GB, far more than it holds\n"
    )


@pytest.mark.parametrize(
    "content", [b"", b"PK\x05\x06" + bytes(18), b"no zip", zip_with_a_name_that_is_no_text()]
)
def test_a_zip_that_is_none_fails(predict: Predict, folder: Path, content: bytes) -> None:
    Path("some.zip").write_bytes(content)
    code, _, err = predict("some.zip")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("some.zip: cannot be read as a zip: ")


def test_a_damaged_image_in_a_zip_fails_alone(predict: Predict, folder: Path) -> None:
    with ZipFile("some.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("bad.png", PNG)
        archive.writestr("good.png", PNG)
    content = bytearray(Path("some.zip").read_bytes())
    content[60:70] = bytes(10)
    Path("some.zip").write_bytes(content)
    code, out, err = predict("some.zip", *SURE)
    assert (code, labels(out)) == (1, {"good.png": TWO})
    assert err.startswith("bad.png: cannot be unpacked: ")


def test_no_more_is_read_than_an_image_may_have(
    predict: Predict, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(item, "MOST_FILE_BYTES", 2**20)
    monkeypatch.setattr("serving.predict.inputs.web.MOST_FILE_BYTES", 1000)
    monkeypatch.setattr("serving.predict.inputs.archive.MOST_FILE_BYTES", 2**20)
    with Path("huge.png").open("wb") as file:
        file.truncate(2**40)
    with ZipFile("some.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("large.png", bytes(2**21))
    paths = ("huge.png", "/dev/zero", "some.zip", "-", f"{url}/a.png")
    code, _, err = predict(*paths, stdin=bytes(2**21))
    assert code == 1
    lines = err.splitlines()
    assert len(lines) == len(paths)
    assert all("is larger than 1 MiB, which no image may be" in line for line in lines)


def test_an_image_that_comes_too_slowly_is_given_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.predict.inputs.web._SECONDS", -1)
    [image] = WebImage(f"{url}/a.png").items()
    with pytest.raises(InputError, match="did not arrive in -1 s"):
        image.load()


def test_the_first_image_of_a_large_folder_is_there_before_the_others_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (folder / "images" / f"a{number}").mkdir()
        (folder / "images" / f"a{number}" / "a.png").write_bytes(PNG)
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    images = open_inputs(["images"], 1)
    assert next(images.items()).name == "a0/a.png"
    assert len(listed) == 2
    assert images.count() == 22
