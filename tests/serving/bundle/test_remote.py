"""Bundles at an address of a real S3 server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from serving.bundle import Bundle, BundleError
from serving.bundle.remote import fetched_bundle
from serving.storage import Store
from serving.torchserve.archive import archived
from tests.serving.command import assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.signing import make_key_pair, signed_copy
from tests.storage import Fault, Storage, upload


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_second_start_moves_no_byte(
    storage: Storage, place: str, bundle_path: Path, tmp_path: Path, kind: str
) -> None:
    made = Bundle.open(bundle_path)
    upload(bundle_path if kind == "folder" else made.pack(tmp_path / "squares.zip"), place)
    assert Bundle.open(place).manifest == made.manifest
    storage.forget()
    assert Bundle.open(place).manifest == made.manifest
    assert storage.fetched() == []


def test_a_corrupt_object_is_refused_and_not_kept(
    storage: Storage, place: str, bundle_path: Path, cache: Path
) -> None:
    upload(bundle_path, place)
    network = (bundle_path / "model.onnx").read_bytes()
    Store(place).write("model.onnx", network[:-1] + b"\0")
    with pytest.raises(BundleError, match=rf"^{place}: model\.onnx is damaged"):
        Bundle.open(place)
    assert not list(cache.rglob("model.onnx"))
    Store(place).write("model.onnx", network)
    Bundle.open(place)


def test_two_processes_may_refuse_one_object(
    storage: Storage, place: str, bundle_path: Path
) -> None:
    upload(bundle_path, place)
    refusing = fetched_bundle(place)
    found = refusing.__enter__()
    shutil.rmtree(found.path.parent)  # the other one was first
    reason = BundleError(f"{found.path}: damaged")
    with pytest.raises(BundleError, match=f"^{place}: damaged"):
        refusing.__exit__(BundleError, reason, None)


def test_the_signature_is_held_to_the_key(
    storage: Storage, place: str, bundle_path: Path, tmp_path: Path
) -> None:
    keys, others = make_key_pair(tmp_path), make_key_pair(tmp_path, "other")
    upload(signed_copy(bundle_path, tmp_path / "signed.bundle", keys), place)
    assert Bundle.open(place, verify_key=keys.public).is_verified
    storage.forget()
    for wrong in (others.public, tmp_path / "missing.pem"):
        with pytest.raises(BundleError):
            Bundle.open(place, verify_key=wrong)
    Bundle.open(place, verify_key=keys.public)
    assert storage.fetched() == [], "another key takes the bundle from nobody"


@pytest.mark.parametrize("is_ahead", [False, True], ids=["clock right", "clock was ahead"])
def test_two_versions_of_a_bundle_stay_in_the_cache(
    storage: Storage, place: str, tmp_path: Path, cache: Path, is_ahead: bool
) -> None:
    for version in ("1", "2", "3"):
        upload(make_bundle(tmp_path / f"{version}.bundle", version=version), place)
        assert Bundle.open(place).manifest.version == version
        for fetched in cache.glob("bundles/*/*") if is_ahead else ():
            os.utime(fetched, (2**32, 2**32))  # the year 2106
    assert len(list(cache.rglob("manifest.json"))) == 2


def test_a_version_that_another_process_drops_meanwhile_is_passed_over(
    storage: Storage, place: str, tmp_path: Path, cache: Path
) -> None:
    upload(make_bundle(tmp_path / "1.bundle", version="1"), place)
    Bundle.open(place)
    [versions] = cache.glob("bundles/*")
    (versions / "dropped").symlink_to("nowhere")  # it is listed, and there is nothing to look at
    upload(make_bundle(tmp_path / "2.bundle", version="2"), place)
    assert Bundle.open(place).manifest.version == "2"
    assert len(list(cache.rglob("manifest.json"))) == 2


def test_a_file_address_is_read_where_it_lies(bundle_path: Path, cache: Path) -> None:
    assert Bundle.open(f"file://{bundle_path}").path == bundle_path
    assert not cache.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://umop/nothing-here", "s3://umop/nothing-here: there is no such bundle"),
        ("s3://no-bucket/x", "404 NoSuchBucket"),
        ("ftp://umop/x", "ftp:// is not known here"),
        ("https://127.0.0.1:9/x.zip", "https://127.0.0.1:9/x.zip: "),
        ("file://nowhere/x", "with three slashes"),
    ],
)
def test_umop_serve_says_in_one_line_why_a_bundle_cannot_be_had(
    storage: Storage, address: str, said: str
) -> None:
    assert_one_line(run("--bundle", address), said)


def test_torchserve_starts_from_an_address(
    storage: Storage, place: str, bundle_path: Path, tmp_path: Path
) -> None:
    upload(bundle_path, place)
    with archived(place) as archive:
        assert archive.name == "squares.mar"
        Store(f"{place}.mar").write("", archive.read_bytes())
    with archived(f"{place}.mar") as archive:
        assert archive.suffix == ".mar"
        assert archive.is_file()
    storage.fault = lambda method, path: Fault(status=403)
    with pytest.raises(BundleError, match="access is denied"), archived(place):
        pass


def test_copy_takes_an_address(
    storage: Storage, place: str, bundle_path: Path, tmp_path: Path
) -> None:
    upload(bundle_path, place)
    assert run("copy", place, str(tmp_path / "copy")).returncode == 0
    assert Bundle.open(tmp_path / "copy").manifest == Bundle.open(bundle_path).manifest


def test_an_image_is_detected_in_with_a_bundle_at_an_address(
    storage: Storage, place: str, bundle_path: Path
) -> None:
    from serving.inference.detector import Detector

    upload(bundle_path, place)
    assert len(Detector.load(place).predict(encode(TWO_SQUARES)).detections) > 1
