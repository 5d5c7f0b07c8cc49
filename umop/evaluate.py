"""Measures a trained model."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.config import Config

from umop.data.location import require_data, set_data_root
from umop.report import write_report
from umop.run import Run
from umop.runner import Runner


def evaluate(run: Run, data: Path | None = None) -> dict[str, float]:
    """Computes COCO's twelve numbers for a run's newest checkpoint.

    They are kept in ``evaluation.json`` in the run's folder.

    Args:
        run: The run.
        data: Root of the data set, in place of the one in the run's config.

    Returns:
        The values of :data:`umop.evaluation.METRICS`.

    Raises:
        UserError: The run has no checkpoint, or the data is missing.
    """
    checkpoint = run.require_checkpoint()
    config = Config.fromfile(run.config)
    if data is not None:
        set_data_root(config, data)
    require_data(config, "test")
    config.work_dir = str(run.folder)
    config.load_from = str(checkpoint)
    metrics = Runner.from_cfg(config).test()
    run.evaluation.write_text(json.dumps(metrics, indent=2) + "\n")
    write_report(run)
    return metrics
