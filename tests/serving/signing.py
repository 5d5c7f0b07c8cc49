"""Key pairs and signed bundles."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from serving.bundle import Bundle
from serving.bundle.signature import Signer


@dataclass(frozen=True)
class KeyPair:
    """PEM files.

    Attributes:
        private: The private key.
        public: Its public key.
    """

    private: Path
    public: Path


def make_key_pair(folder: Path, name: str = "sign") -> KeyPair:
    """Makes a pair with the commands of docs/security.md."""
    keys = KeyPair(folder / f"{name}.key", folder / f"{name}.pub")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(keys.private))
    openssl("ec", "-in", str(keys.private), "-pubout", "-out", str(keys.public))
    return keys


def openssl(*arguments: str) -> None:
    """Runs openssl."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def signed_copy(bundle: Path, folder: Path, keys: KeyPair) -> Path:
    """Copies a bundle into a folder and signs the copy."""
    copy = Path(shutil.copytree(bundle, folder / "signed.bundle"))
    Bundle.open(copy).sign(Signer(keys.private))
    return copy
