"""Exports a run's newest checkpoint."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mmdet.apis import init_detector
from mmengine.config import Config

from serving.bundle import Bundle, BundleError
from umop.data.location import require_data
from umop.export.graph import ServedDetector
from umop.export.manifest import describe
from umop.export.onnx import write_onnx
from umop.export.verify import Difference, verify
from umop.run import Run

PICTURES = 8


def export(run: Run, version: str = "1.0") -> Difference:
    """Writes ``<run>.bundle`` and checks it against mmdet on pictures of the test data.

    A bundle that fails the check is not kept, and one that was there before stays.

    Args:
        run: The run whose newest checkpoint is exported.
        version: The version that the served model gets.

    Returns:
        The largest differences that the check found.

    Raises:
        UserError: There is no checkpoint, no test data, or the bundle finds something else.
    """
    checkpoint = run.require_checkpoint()
    config = Config.fromfile(run.config)
    require_data(config, "test")
    model = init_detector(config, str(checkpoint), device="cpu", palette="random")
    with TemporaryDirectory(dir=run.folder) as scratch:
        draft = Path(scratch) / run.bundle.name
        draft.mkdir()
        write_onnx(ServedDetector(model).eval(), draft / "model.onnx")
        Bundle.write(draft, describe(run, config, checkpoint, version))
        difference = verify(model, draft, test_pictures(config))
        shutil.rmtree(run.bundle, ignore_errors=True)
        draft.rename(run.bundle)
    return difference


def is_exported(run: Run) -> bool:
    """Whether the run's bundle is that of its newest checkpoint."""
    checkpoint = run.require_checkpoint()
    try:
        manifest = Bundle.open(run.bundle).manifest
    except BundleError:
        return False
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    return bool(manifest.provenance.get("checkpoint_sha256") == digest)


def test_pictures(config: Config) -> list[Path]:
    """The first pictures of the test data, by name."""
    dataset = config.test_dataloader.dataset
    folder = Path(dataset.data_root) / dataset.data_prefix.img
    return sorted(path for path in folder.iterdir() if path.is_file())[:PICTURES]
