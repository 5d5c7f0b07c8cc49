"""Archives of TorchServe with a key: what starts, and what is refused before Java does."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from serving.bundle import BundleError
from serving.server.process import StartError
from serving.torchserve.archive import WorkerOptions, write_archive
from serving.torchserve.checks import require_signed
from serving.torchserve.handler import DetectionHandler
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.signing import KeyPair, make_key_pair, signed_copy
from tests.serving.torchserve.contexts import context_of
from tests.serving.torchserving import torchserving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def archive(bundle_path: Path, keys: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    bundle = signed_copy(bundle_path, folder, keys)
    return write_archive(bundle, folder / "x.mar", WorkerOptions(threads=1))


def test_torchserve_serves_a_signed_archive(archive: Path, keys: KeyPair) -> None:
    with torchserving(archive, "--verify-key", str(keys.public)) as running:
        url = f"{running.url}/predictions/x"
        assert httpx.post(url, content=encode(TWO_SQUARES), timeout=30).json()["detections"]


def test_an_unsigned_one_is_refused_before_java_starts(
    bundle_path: Path, keys: KeyPair, tmp_path: Path
) -> None:
    unsigned = write_archive(bundle_path, tmp_path / "x.mar")
    command = [sys.executable, "-m", "serving", "torchserve", str(unsigned)]
    done = subprocess.run(
        [*command, "--verify-key", str(keys.public)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line == (
        f"umop-serve: {unsigned}: it has no signature (model.sig): sign it with umop sign"
    )


Change = Callable[[bytes], bytes]


def changed(archive: Path, folder: Path, member: str, change: Change | None) -> Path:
    """A copy of an archive with another content of one member, or without it."""
    copy = folder / "changed.mar"
    with zipfile.ZipFile(archive) as members:
        contents = {name: members.read(name) for name in members.namelist()}
    if change is None:
        del contents[member]
    else:
        contents[member] = change(contents.get(member, b""))
    with zipfile.ZipFile(copy, "w") as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return copy


def in_manifest(**parts: str) -> Change:
    def change(text: bytes) -> bytes:
        manifest = json.loads(text)
        manifest["model"].update(parts)
        return json.dumps(manifest).encode()

    return change


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("handler.py", lambda code: b"import os\n" + code),
        ("serving/inference/draw.py", lambda code: code + b"\n"),
        ("serving/inference/draw.py", None),
        ("model.bundle.zip", None),
        ("numpy.py", lambda _: b""),
        ("MAR-INF/MANIFEST.json", in_manifest(handler="image_classifier")),
        ("MAR-INF/MANIFEST.json", in_manifest(envelope="body")),
        ("MAR-INF/MANIFEST.json", lambda _: b"[]"),
        ("MAR-INF/MANIFEST.json", lambda _: b'{"model": 1}'),
    ],
)
def test_other_code_beside_a_signed_bundle(
    archive: Path, keys: KeyPair, tmp_path: Path, member: str, change: Change | None
) -> None:
    require_signed(archive, keys.public)
    with pytest.raises(StartError, match="is not what this version packs") as caught:
        require_signed(changed(archive, tmp_path, member, change), keys.public)
    assert member in str(caught.value)


def test_a_member_that_is_there_twice(archive: Path, keys: KeyPair, tmp_path: Path) -> None:
    copy = tmp_path / "twice.mar"
    copy.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(copy, "a") as members, pytest.warns(UserWarning, match="Duplicate"):
        members.writestr("handler.py", members.read("handler.py"))
    with pytest.raises(StartError, match=r"handler\.py in it is not what this version packs"):
        require_signed(copy, keys.public)


def test_a_bundle_altered_inside_the_archive(archive: Path, keys: KeyPair, tmp_path: Path) -> None:
    def alter(bundle: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(bundle)) as members:
            contents = {name: members.read(name) for name in members.namelist()}
        contents["manifest.json"] += b" "
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            for name, content in contents.items():
                target.writestr(name, content)
        return buffer.getvalue()

    altered = changed(archive, tmp_path, "model.bundle.zip", alter)
    with pytest.raises(StartError, match=r"changed\.mar: its signature does not match"):
        require_signed(altered, keys.public)


def test_a_worker_checks_the_signature_itself(
    bundle_path: Path,
    archive: Path,
    keys: KeyPair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An archive that is registered later does not pass through the launcher."""
    monkeypatch.setenv("UMOP_VERIFY_KEY", str(keys.public))
    unsigned = write_archive(bundle_path, tmp_path / "x.mar")
    for path, folder in ((archive, tmp_path / "signed"), (unsigned, tmp_path / "unsigned")):
        with zipfile.ZipFile(path) as members:
            members.extractall(folder)
    DetectionHandler().initialize(context_of(tmp_path / "signed"))
    with pytest.raises(BundleError, match="it has no signature"):
        DetectionHandler().initialize(context_of(tmp_path / "unsigned"))
