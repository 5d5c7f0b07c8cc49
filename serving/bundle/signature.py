"""Signatures of bundles, made and checked with OpenSSF model signing.

The signature covers ``manifest.json``, which lists the SHA-256 of every other file. So a folder and
its zip have the same signature, ``model.sig``: an in-toto statement in a Sigstore bundle
(https://github.com/sigstore/model-transparency). Nothing is sent over the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving.bundle.errors import BundleError, SignatureError

SIGNATURE = "model.sig"
SIGNATURE_MAX_BYTES = 64 * 2**10
_CURVES = "an elliptic curve: P-256, P-384 or P-521"


class Signer:
    """Signs manifests.

    Args:
        key: The private key, a PEM file without a password.

    Raises:
        BundleError: The key cannot be used, or the extra ``sign`` is not installed.
    """

    def __init__(self, key: Path) -> None:
        config = _model_signing("signing").Config()
        with _refusing_key(key, "private"):
            self._config = config.use_elliptic_key_signer(private_key=key)

    def sign(self, manifest: bytes) -> bytes:
        """Returns the content of ``model.sig`` for the content of ``manifest.json``."""
        with _as_files(manifest) as (model, signature):
            self._config.sign(model, signature)
            return signature.read_bytes()


class Verifier:
    """Checks the signatures of manifests.

    Args:
        key: The public key, a PEM file.

    Raises:
        BundleError: The key cannot be used, or the extra ``sign`` is not installed.
    """

    def __init__(self, key: Path) -> None:
        self._key = key
        config = _model_signing("verifying").Config()
        with _refusing_key(key, "public"):
            self._config = config.use_elliptic_key_verifier(public_key=key)

    def verify(self, manifest: bytes, signature: bytes) -> None:
        """Checks a signature.

        Args:
            manifest: The content of ``manifest.json``.
            signature: The content of ``model.sig``.

        Raises:
            BundleError: There is no room for a temporary file.
            SignatureError: The key did not sign this manifest.
        """
        with _as_files(manifest) as (model, signature_file):
            signature_file.write_bytes(signature)
            try:
                self._config.verify(model, signature_file)
            except Exception as error:  # model-signing raises many kinds on a file made by others
                raise SignatureError(
                    f"its signature does not match {self._key}: "
                    "it was altered, or signed with another key"
                ) from error


def _model_signing(module: str) -> Any:
    try:
        return import_module(f"model_signing.{module}")
    except ImportError as error:
        raise BundleError(
            f"signatures need model-signing ({error}): pip install 'umop[sign]'"
        ) from error


@contextmanager
def _refusing_key(key: Path, kind: str) -> Iterator[None]:
    """Turns what model-signing raises for a key that it cannot use into one line."""
    try:
        yield
    except OSError as error:
        raise BundleError(f"{key}: the {kind} key cannot be read: {error.strerror}") from error
    except TypeError as error:
        raise BundleError(f"{key}: the key has a password; use one without") from error
    except Exception as error:  # such as AttributeError for RSA
        raise BundleError(f"{key}: not a {kind} key in PEM of {_CURVES}") from error


@contextmanager
def _as_files(manifest: bytes) -> Iterator[tuple[Path, Path]]:
    """A folder with only the manifest, as model-signing wants it, and a path for its signature."""
    try:
        scratch = TemporaryDirectory()
    except OSError as error:
        raise BundleError(f"signatures need a temporary folder: {error.strerror}") from error
    with scratch as folder:
        model = Path(folder) / "bundle"
        model.mkdir()
        (model / "manifest.json").write_bytes(manifest)
        yield model, Path(folder) / SIGNATURE
