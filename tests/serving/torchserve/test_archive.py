"""The archive: what is in it, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from serving.bundle import Bundle, BundleError
from serving.settings import Settings
from serving.torchserve.archive import REQUIREMENTS, WorkerOptions, archived, write_archive
from serving.torchserve.config import MAX_BODY_BYTES
from serving.torchserve.predictions import MOST_IMAGES
from tests.serving.pickles import assert_no_pickle


@pytest.fixture(scope="module")
def archive(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive") / "mine.mar"
    return write_archive(bundle_path, target, WorkerOptions(4, 20, 2, 1))


def test_it_holds_the_bundle_the_handler_and_the_modules(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        names = set(members.namelist())
        manifest = json.loads(members.read("MAR-INF/MANIFEST.json"))["model"]
        packed = tmp_path / manifest["serializedFile"]
        packed.write_bytes(members.read(manifest["serializedFile"]))
    assert (manifest["modelName"], manifest["modelVersion"]) == ("mine", "1")
    assert {"handler.py", "serving/inference/detector.py", "requirements.txt"} <= names
    assert not [name for name in names if name.startswith(("umop", "tests"))]
    assert Bundle.open(packed).manifest.name == "squares"


def test_it_needs_the_onnx_runtime_that_is_installed(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = dict.fromkeys(REQUIREMENTS, "1.0") | {"onnxruntime-gpu": "2.0"}
    del versions["onnxruntime"]

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    with zipfile.ZipFile(write_archive(bundle_path, tmp_path / "gpu.mar")) as members:
        lines = members.read("requirements.txt").decode().splitlines()
    assert lines == [
        "numpy==1.0",
        "onnxruntime-gpu==2.0",
        "opencv-python-headless==1.0",
        "pillow==1.0",
        "pydantic==1.0",
    ]


def test_its_config_has_batch_delay_workers_and_timeouts(archive: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        config = yaml.safe_load(members.read("model-config.yaml"))
    assert config["batchSize"] == 4
    assert config["maxBatchDelay"] == 20
    assert (config["minWorkers"], config["maxWorkers"]) == (2, 2)
    assert config["responseTimeout"] > 0
    assert config["startupTimeout"] > 0
    assert config["handler"] == {"engine": "auto", "threads": 1, "max_pixels": 50_000_000}


def test_its_limits_are_those_of_the_service(archive: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        config = yaml.safe_load(members.read("model-config.yaml"))
    settings = Settings()
    assert config["jobQueueSize"] == settings.max_queue
    assert WorkerOptions().batch_size == settings.batch_size
    assert config["handler"]["max_pixels"] == settings.max_pixels
    assert config["responseTimeout"] == settings.deadline
    assert settings.max_body_bytes == MAX_BODY_BYTES
    assert settings.max_images == MOST_IMAGES


def test_a_bundle_is_packed_with_the_options_that_are_given(bundle_path: Path) -> None:
    with (
        archived(bundle_path, WorkerOptions(batch_size=8)) as archive,
        zipfile.ZipFile(archive) as members,
    ):
        assert yaml.safe_load(members.read("model-config.yaml"))["batchSize"] == 8


def test_it_holds_no_pickle(archive: Path) -> None:
    assert_no_pickle(archive.read_bytes())


def test_the_detector_of_pickles_works() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("innocent.bin", b"\x80\x02}q\x00.")
    with pytest.raises(AssertionError, match=r"innocent\.bin"):
        assert_no_pickle(buffer.getvalue())


def test_a_damaged_bundle_is_not_packed(tmp_path: Path) -> None:
    bundle = tmp_path / "x.bundle"
    bundle.mkdir()
    with pytest.raises(BundleError, match=r"it has no manifest\.json"):
        write_archive(bundle, tmp_path / "x.mar")


def test_a_name_that_torchserve_cannot_have(bundle_path: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="may have letters, digits") as caught:
        write_archive(bundle_path, tmp_path / "a b.mar")
    assert "\n" not in str(caught.value)


def test_an_engine_that_the_bundle_has_no_file_for(bundle_path: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundle_path, tmp_path / "x.bundle"))
    manifest = Bundle.open(folder).manifest
    Bundle.write(folder, manifest.model_copy(update={"absent": {"model.pt2": "it is int8"}}))
    with pytest.raises(BundleError, match=r"holds no model\.pt2 \(it is int8\)"):
        write_archive(folder, tmp_path / "x.mar", WorkerOptions(engine="torch"))
    assert not (tmp_path / "x.mar").exists()


def test_without_the_archiver_it_names_what_to_install(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_archiver", None)
    with pytest.raises(BundleError, match=r"pip install 'umop\[torchserve\]'"):
        write_archive(bundle_path, tmp_path / "x.mar")
