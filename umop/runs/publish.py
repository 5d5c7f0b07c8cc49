"""Puts a run's bundle beside the run's mirror."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from serving.shared import Bundle, Store
from umop.runs.folder import RunFolder
from umop.runs.uploads import mirror_of
from umop.system.storage import patiently, readable_errors


def publish(run: RunFolder, address: str) -> str:
    """Uploads a run's bundle as one zip, which takes the place of the one before as a whole.

    Args:
        run: The run, whose bundle is exported.
        address: In object storage, of all runs, such as ``s3://bucket/runs``.

    Returns:
        The bundle's address, which ``umop-serve --bundle`` takes.

    Raises:
        BundleError: The run has no bundle, or it is damaged.
        FetchError: Storage does not answer.
        UserError: Storage refuses.
    """
    name = f"{run.bundle.name}.zip"
    with readable_errors():
        store = mirror_of(run, address)
    with TemporaryDirectory(dir=run.folder, prefix=".") as scratch:
        packed = Bundle.open(run.bundle).pack(Path(scratch) / name)
        patiently(lambda: _write(store, packed))
    return store.named(name)


def _write(store: Store, packed: Path) -> None:
    with packed.open("rb") as file:
        store.write(packed.name, file)
