"""Signatures of bundles: which bundles are accepted with a key, and which are not."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serving.bundle import Bundle, BundleError
from serving.bundle.signature import Signer
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import COMMAND, running
from tests.serving.signing import KeyPair, make_key_pair, openssl, signed_copy


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def signed(bundle_path: Path, tmp_path: Path, keys: KeyPair) -> Path:
    return signed_copy(bundle_path, tmp_path, keys)


def refusal(bundle: Path, key: Path) -> str:
    """The one line that a bundle is refused with."""
    with pytest.raises(BundleError) as caught:
        Bundle.open(bundle, verify_key=key)
    [line] = str(caught.value).splitlines()
    return line


def test_a_signed_bundle_is_verified_as_a_folder_and_as_a_zip(
    signed: Path, keys: KeyPair, tmp_path: Path
) -> None:
    assert Bundle.open(signed, verify_key=keys.public).is_verified
    packed = Bundle.open(signed).pack(tmp_path / "x.zip")
    assert Bundle.open(packed, verify_key=keys.public).is_verified


def test_without_a_key_nothing_is_verified(signed: Path) -> None:
    assert not Bundle.open(signed).is_verified


def test_other_tools_of_model_signing_verify_it(signed: Path, keys: KeyPair) -> None:
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(signed)]
    options = ["--signature", str(signed / "model.sig"), "--public_key", str(keys.public)]
    done = subprocess.run([*command, *options, "--ignore_unsigned_files"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_signing_and_verifying_need_no_network(
    bundle_path: Path, tmp_path: Path, keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("it asks the network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(socket.socket, "connect", fail)
    signed = signed_copy(bundle_path, tmp_path, keys)
    assert Bundle.open(signed, verify_key=keys.public).is_verified


def test_an_unsigned_bundle(bundle_path: Path, keys: KeyPair, tmp_path: Path) -> None:
    packed = Bundle.open(bundle_path).pack(tmp_path / "x.zip")
    for bundle in (bundle_path, packed):
        assert "it has no signature (model.sig)" in refusal(bundle, keys.public)


def test_an_altered_manifest(signed: Path, keys: KeyPair) -> None:
    manifest = signed / "manifest.json"
    manifest.write_text(
        manifest.read_text().replace('"max_detections": 100', '"max_detections": 9')
    )
    assert Bundle.open(signed).manifest.postprocess.max_detections == 9
    assert "its signature does not match" in refusal(signed, keys.public)


def test_an_altered_model(signed: Path, keys: KeyPair) -> None:
    model = signed / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert "model.onnx is damaged" in refusal(signed, keys.public)


def test_another_key(signed: Path, tmp_path: Path) -> None:
    other = make_key_pair(tmp_path, "other")
    assert f"its signature does not match {other.public}" in refusal(signed, other.public)


def test_a_signature_that_claims_another_key(signed: Path, tmp_path: Path, keys: KeyPair) -> None:
    """The public key's digest in a signature is a hint that anybody can write."""
    other = make_key_pair(tmp_path, "other")
    genuine = json.loads((signed / "model.sig").read_text())
    Bundle.open(signed).sign(Signer(other.private))
    forged = json.loads((signed / "model.sig").read_text())
    forged["verificationMaterial"] = genuine["verificationMaterial"]
    (signed / "model.sig").write_text(json.dumps(forged))
    assert "its signature does not match" in refusal(signed, keys.public)


@pytest.mark.parametrize("content", [b"", b"junk", b"{}", b"[]", b"\xff\xfe"])
def test_a_broken_signature(signed: Path, keys: KeyPair, content: bytes) -> None:
    (signed / "model.sig").write_bytes(content)
    assert "its signature does not match" in refusal(signed, keys.public)


def test_a_signature_that_is_too_large(signed: Path, keys: KeyPair) -> None:
    (signed / "model.sig").write_bytes(b" " * 2**20)
    assert "model.sig has 1048576 bytes" in refusal(signed, keys.public)


def test_a_new_manifest_drops_the_old_signature(signed: Path) -> None:
    rewritten = Bundle.write(signed, Bundle.open(signed).manifest)
    assert not (signed / "model.sig").exists()
    assert "model.sig" not in rewritten.manifest.files


def test_keys_that_cannot_be_used(signed: Path, keys: KeyPair, tmp_path: Path) -> None:
    rsa, locked = tmp_path / "rsa.key", tmp_path / "locked.key"
    openssl("genrsa", "-out", str(rsa))
    openssl("rsa", "-in", str(rsa), "-pubout", "-out", str(tmp_path / "rsa.pub"))
    openssl("ec", "-in", str(keys.private), "-aes256", "-passout", "pass:x", "-out", str(locked))
    assert "not a public key in PEM of an elliptic curve" in refusal(signed, tmp_path / "rsa.pub")
    assert "not a public key" in refusal(signed, keys.private)
    assert "cannot be read: No such file" in refusal(signed, tmp_path / "none.pub")
    for key, reason in (
        (rsa, "not a private"),
        (keys.public, "not a private"),
        (locked, "password"),
    ):
        with pytest.raises(BundleError, match=reason):
            Signer(key)


@pytest.mark.parametrize("missing", ["model_signing", "OpenSSL"])
def test_without_its_extra_it_names_what_to_install(
    signed: Path, keys: KeyPair, missing: str
) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; from serving.cli import main; main()"
    options = ["--bundle", str(signed), "--verify-key", str(keys.public), "--port", "0"]
    done = subprocess.run(
        [sys.executable, "-c", script, *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("pip install 'umop[sign]'")
    assert "Traceback" not in done.stderr


def test_the_service_refuses_what_is_not_signed(bundle_path: Path, keys: KeyPair) -> None:
    options = ["--bundle", str(bundle_path), "--verify-key", str(keys.public), "--port", "0"]
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "it has no signature" in line


def test_the_service_serves_what_is_signed_and_never_reloads_what_is_not(
    signed: Path, keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_VERIFY_KEY", str(keys.public))
    monkeypatch.setenv("UMOP_ADMIN_KEYS", "k")
    with running("--bundle", str(signed), "--threads", "1") as server:
        assert server.detect(encode(TWO_SQUARES)).json()["detections"]
        (signed / "model.sig").unlink()
        url = f"{server.url}/admin/reload"
        refused = httpx.post(url, headers={"X-API-Key": "k"}, timeout=30)
        assert refused.status_code == 422
        assert "it has no signature" in refused.json()["detail"]
        assert server.detect(encode(TWO_SQUARES)).json()["detections"]


def test_a_key_before_a_subcommand_is_not_lost(keys: KeyPair, tmp_path: Path) -> None:
    options = ["--verify-key", str(keys.public), "torchserve", str(tmp_path / "x.mar")]
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "--verify-key is not an option of torchserve" in line
