"""How a config is trained, as the user asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from umop.training.precision import Precision
from umop.training.schedule import ScheduleOptions


@dataclass(frozen=True)
class TrainOptions:
    """How a config is trained, as the user asked.

    Attributes:
        data: Root of the data set, in place of the config's own.
        on_cpu: Train on the processor, also with a config that is made for GPUs.
        processes: How many train together on this node; by default one for each GPU.
        precision: The arithmetic.
        timeout: Seconds without a step after which training with several processes is given up.
        schedule: What is asked of the schedule.
        weights: Run or checkpoint file to start from, in place of ImageNet weights.
        is_dry: Only try everything, in two steps, and keep nothing.
    """

    data: Path | None = None
    on_cpu: bool = False
    processes: int | None = None
    precision: Precision = "auto"
    timeout: float = 600.0
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    weights: str | None = None
    is_dry: bool = False
