from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from serving.bundle import Bundle, BundleError
from serving.bundle.schema import Manifest
from serving.inference.detector import Detector


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_path, tmp_path / "copy.bundle"))


def test_a_copy_is_the_same_bundle(bundle_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "volume" / "model.bundle"
    (target / "samples").mkdir(parents=True)
    (target / "manifest.json").write_text('{"schema_version": 0}')
    Bundle.open(bundle_path).copy(target)
    files = {path.relative_to(bundle_path) for path in bundle_path.rglob("*")}
    assert {path.relative_to(target) for path in target.rglob("*")} == files
    assert Bundle.open(target).manifest == Bundle.open(bundle_path).manifest
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_of_something_else_is_not_replaced(bundle_path: Path, tmp_path: Path) -> None:
    thesis, app = tmp_path / "thesis.txt", tmp_path / "app" / "manifest.json"
    app.parent.mkdir()
    thesis.touch()
    app.write_text('{"name": "of a web app"}')
    for target in (tmp_path, thesis, app.parent):
        with pytest.raises(BundleError, match="something else than a bundle"):
            Bundle.open(bundle_path).copy(target)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {thesis, app}


def test_a_copy_into_the_current_folder(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    Bundle.open(bundle_path).copy(".")
    assert Bundle.open(tmp_path / "empty").manifest == Bundle.open(bundle_path).manifest


def test_a_file_that_changes_while_it_is_copied_is_not_copied(copy: Path, tmp_path: Path) -> None:
    opened = Bundle.open(copy)
    model = copy / "model.onnx"
    model.write_bytes(bytes(len(model.read_bytes())))
    with pytest.raises(BundleError, match=r"model.onnx was changed"):
        opened.copy(tmp_path / "target.bundle")
    assert list(tmp_path.iterdir()) == [copy]


def test_a_missing_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        Bundle.open(tmp_path / "none.bundle")


def test_a_folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"it has no manifest.json"):
        Bundle.open(tmp_path)


def test_a_flipped_bit_is_noticed(copy: Path) -> None:
    model = copy / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(BundleError, match=r"model.onnx is damaged"):
        Bundle.open(copy)


def test_a_short_file_is_noticed(copy: Path) -> None:
    model = copy / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(BundleError, match="the manifest says"):
        Bundle.open(copy)


def test_a_lost_file_is_noticed(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"it has no model.onnx"):
        Bundle.open(copy)


def test_another_schema_version_is_refused(copy: Path) -> None:
    change(copy, schema_version=2)
    with pytest.raises(BundleError, match="schema version 2; this program reads 1"):
        Bundle.open(copy)


@pytest.mark.parametrize(
    ("change_", "where"),
    [
        ({"classes": []}, "classes"),
        ({"classes": ["a", "a"]}, "classes"),
        ({"surprise": 1}, "surprise"),
        ({"name": "../x"}, "name"),
        ({"files": {"../../etc/passwd": {"sha256": "0" * 64, "bytes": 1}}}, "files"),
        ({"postprocess": {"iou_threshold": 2}}, "postprocess.iou_threshold"),
        ({"postprocess": {"class_thresholds": {"red": 2}}}, "postprocess.class_thresholds.red"),
        ({"postprocess": {"class_thresholds": {"red": None}}}, "postprocess.class_thresholds.red"),
        ({"postprocess": {"class_thresholds": {"red": float("nan")}}}, "class_thresholds.red"),
        ({"postprocess": {"class_thresholds": [0.5]}}, "postprocess.class_thresholds"),
        ({"postprocess": {"class_thresholds": {"cat": 0.5}}}, "there is no class 'cat'"),
        (
            {"postprocess": {"class_thresholds": dict.fromkeys(map(str, range(9999)), 0.5)}},
            "there is no class '0'",
        ),
        ({"classes": ["\ud800"]}, "not Unicode"),
        ({"provenance": {"note": ["\udfff"]}}, "not Unicode"),
        ({"metrics": {"AP": float("nan")}}, "a number that JSON has not"),
        ({"metrics": {"AP": float("inf")}}, "a number that JSON has not"),
    ],
)
def test_a_wrong_field_is_named(copy: Path, change_: dict[str, object], where: str) -> None:
    change(copy, **change_)
    with pytest.raises(BundleError, match=where) as caught:
        Bundle.open(copy)
    assert "\n" not in str(caught.value)


def test_a_bundle_without_class_thresholds_reports_all_classes_alike(copy: Path) -> None:
    fields = json.loads((copy / "manifest.json").read_text())
    del fields["postprocess"]["class_thresholds"]
    change(copy, postprocess=fields["postprocess"])
    manifest = Bundle.open(copy).manifest
    assert manifest.lowest_scores() == (0.5, 0.5, 0.5)


def test_a_class_may_have_a_threshold_of_its_own(copy: Path) -> None:
    change(copy, postprocess={"score_threshold": 0.4, "class_thresholds": {"blue": 0.9}})
    assert Bundle.open(copy).manifest.lowest_scores() == (0.4, 0.4, 0.9)


def test_input_sizes_are_multiples_of_the_divisor(bundle_path: Path) -> None:
    fields = json.loads((bundle_path / "manifest.json").read_text())
    fields["input"]["sizes"] = [{"width": 320, "height": 250}]
    with pytest.raises(ValidationError, match="not a multiple of 32"):
        Manifest.model_validate(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resize", {"width": 10**9, "height": 10**9}),
        ("resize", {"width": 10**9, "height": 1}),
        ("resize", {"width": 8192, "height": 4097}),
        ("sizes", [{"width": 32, "height": 2**21}]),
        ("pad_divisor", 10**6),
    ],
)
def test_an_input_that_no_machine_holds_is_refused(copy: Path, field: str, value: object) -> None:
    fields = json.loads((copy / "manifest.json").read_text())
    change(copy, input={**fields["input"], field: value})
    with pytest.raises(BundleError, match=r"manifest\.json: input") as caught:
        Bundle.open(copy)
    assert "\n" not in str(caught.value)


def test_nested_without_end_is_no_json(copy: Path) -> None:
    (copy / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(BundleError, match=r"manifest\.json is not JSON"):
        Bundle.open(copy)


@pytest.mark.parametrize("name", ["", "manifest.json", "model.onnx"])
def test_a_pipe_is_not_waited_for(copy: Path, name: str) -> None:
    path = copy / name if name else copy.with_name("pipe.bundle")
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(BundleError, match="is not a regular file"):
        Bundle.open(copy if name else path)


def test_a_network_that_is_no_onnx(copy: Path) -> None:
    (copy / "model.onnx").write_bytes(b"junk")
    Bundle.write(copy, Manifest.model_validate_json((copy / "manifest.json").read_bytes()))
    with pytest.raises(BundleError, match=r"model.onnx cannot be run"):
        Detector.load(copy)


def change(bundle: Path, **fields: object) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize("name", ["a\u0000b", "\ud800", "a\nb"])
def test_an_unprintable_name_is_refused(copy: Path, name: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="not a plain relative path"):
        Bundle.open(copy)


def test_a_file_that_changes_after_opening_is_refused(bundle_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle_path, tmp_path / "x.bundle"))
    bundle = Bundle.open(copy)
    model = copy / "model.onnx"
    model.write_bytes(model.read_bytes()[::-1])
    with pytest.raises(BundleError, match="was changed since"):
        bundle.read("model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx was changed since"):
        bundle.pack(tmp_path / "x.zip")


def test_a_folder_that_is_no_bundle_is_not_walked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "rglob", lambda *_: pytest.fail("it may hold all files there are"))
    with pytest.raises(BundleError, match=r"not a bundle: it has no manifest\.json"):
        Bundle.open(tmp_path)
