"""Keeps what an evaluation found: its numbers, its analysis and its detections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from umop.evaluation.analysis import Analysis
from umop.evaluation.coco import CocoResult
from umop.evaluation.matching import CocoBox
from umop.runs.evaluation import Evaluation
from umop.system.console import note
from umop.system.files import replace_text

_MOST_DETECTIONS = 1_000_000
"""Most detections that are kept: all of 10,000 images, in about 100 MB."""


def write_evaluation(
    path: Path,
    result: CocoResult,
    config: Config,
    checkpoint: Path,
    precision: float | None = None,
) -> Evaluation:
    """Writes ``evaluation.json``, and ``analysis.json`` and ``detections.json`` beside it.

    Args:
        path: The first of them.
        result: What was found.
        config: Says with which annotations.
        checkpoint: What was measured.
        precision: What the thresholds are to reach; None for the best F1.

    Returns:
        The content of ``evaluation.json``.

    Raises:
        UserError: No threshold reaches the precision.
    """
    analysis = Analysis.of(result, precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(beside(path, "detections"), json.dumps(_shortened(result.detections)) + "\n")
    replace_text(beside(path, "analysis"), analysis.to_json())
    record = Evaluation.of(config, checkpoint, result.metrics, analysis.thresholds)
    record.write(path)
    return record


def beside(evaluation: Path, kind: str) -> Path:
    """The file of another kind that belongs to an ``evaluation….json``."""
    return evaluation.with_name(evaluation.name.replace("evaluation", kind, 1))


def _shortened(detections: Sequence[CocoBox]) -> list[CocoBox]:
    """COCO results with fewer digits, at most the best :data:`_MOST_DETECTIONS`."""
    if len(detections) > _MOST_DETECTIONS:
        note(f"Of {len(detections)} detections, the {_MOST_DETECTIONS} best are kept.")
        detections = sorted(detections, key=lambda each: -each["score"])[:_MOST_DETECTIONS]
    return [
        {
            **each,
            "bbox": [round(value, 2) for value in each["bbox"]],
            "score": round(each["score"], 6),
        }
        for each in detections
    ]
