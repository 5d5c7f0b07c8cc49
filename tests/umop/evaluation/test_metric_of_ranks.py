"""The evaluator in several processes."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from umop.evaluation.metric import CocoBoxMetric


def evaluate(rank: int, folder: str) -> None:
    """Evaluates one image in one of two processes."""
    torch.set_num_threads(1)  # OpenMP's others are not in a process that was forked
    os.chdir(folder)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    metric = Counting("truth.json")
    prediction = {
        "bboxes": torch.zeros(1, 4),
        "scores": torch.ones(1),
        "labels": torch.zeros(1, dtype=torch.long),
    }
    metric.process(None, [{"img_id": rank, "pred_instances": prediction}])
    assert metric.evaluate(2) == {"images": 2}
    distributed.destroy_process_group()


class Counting(CocoBoxMetric):
    """Counts the images in place of measuring them."""

    def compute_metrics(self, results: list[dict[str, object]]) -> dict[str, float]:
        return {"images": len({result["image_id"] for result in results})}


def test_ranks_exchange_predictions_without_a_common_folder(tmp_path: Path) -> None:
    multiprocessing.start_processes(evaluate, (str(tmp_path),), nprocs=2, start_method="fork")
    assert [path.name for path in tmp_path.iterdir()] in ([], ["store"])
