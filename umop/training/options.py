"""What a user asks of training: the options of ``umop train`` and ``umop.train``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from serving.shared import LARGEST_WINDOW, SMALLEST_WINDOW
from umop.config.ranges import Range
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.training.schedule import ScheduleOptions, parse_duration

if TYPE_CHECKING:
    from serving.shared import Tiles

Device = Literal["auto", "cpu"]
MixedPrecision = Literal["auto", "bf16", "fp16", "off"]
_FOR_OWN_DATA = "small"
AUTO: Literal["auto"] = "auto"
"""The batch that is as large as the GPU holds."""
TIMEOUT = 600.0


_RANGES = {
    "epochs": Range(1, 1_000_000),
    "batch": Range(1, 1_000_000),
    "accumulate": Range(1, 1_000_000),
    "lr": Range(1e-12, 1000, whole=False),
    "size": Range(32, 8192),
    "patience": Range(1, 1_000_000),
    "processes": Range(1, 1_000_000),
    "timeout": Range(10, 1_000_000, whole=False),
}
_WINDOWS = Range(SMALLEST_WINDOW, LARGEST_WINDOW)
_CHOICES = {"device": get_args(Device), "amp": get_args(MixedPrecision)}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What a user asks of training, by the names of the command's options.

    Attributes:
        config: Name of a config, or a file; ``small`` for data of one's own.
        data: Folders or zips of the data set, in place of the config's own; none for that.
        name: Name of the run; by default the config's.
        epochs: Passes over the training images.
        batch: Images a step, over all processes; ``auto`` for as many as the GPU holds.
        accumulate: Parts that a step is computed in, one after the other.
        lr: The learning rate, exactly.
        size: Pixels of the longer side that images are scaled to.
        tiles: ``auto`` cuts large images with small boxes into windows, ``off`` none, a number all
            into windows of so many pixels; by default as the config says.
        time: How long training may take, its evaluations included, such as ``30m``.
        patience: Evaluations without a better AP after which training ends.
        weights: Run or checkpoint file to start from, ``coco`` or ``imagenet``.
        seed: Seed, in place of the config's.
        set: Changes of the config, such as ``optim_wrapper.optimizer.lr=0.001``.
        device: ``cpu`` trains on the processor, also with a config that is made for GPUs.
        processes: How many train together on this node; by default one for each GPU.
        amp: Mixed precision.
        dry_run: Only try everything, in two steps, and keep nothing.
        mirror: Address in object storage that the run is mirrored below, such as
            ``s3://bucket/runs``.
        timeout: Seconds without a step after which training with several processes is given up.
        command: The command or the call that asks for all this, for the run's provenance.

    Raises:
        UserError: An option has a value that it cannot have.
    """

    config: str | None = None
    data: tuple[Path, ...] = ()
    name: str | None = None
    epochs: int | None = None
    batch: int | Literal["auto"] | None = None
    accumulate: int = 1
    lr: float | None = None
    size: int | None = None
    tiles: Tiles | None = None
    time: str | None = None
    patience: int | None = None
    weights: str | None = None
    seed: int | None = None
    set: tuple[str, ...] = ()
    device: Device = "auto"
    processes: int | None = None
    amp: MixedPrecision = "auto"
    dry_run: bool = False
    mirror: str | None = None
    timeout: float = TIMEOUT
    command: str = ""

    def __post_init__(self) -> None:
        optional = {each.name for each in fields(self) if each.default is None}
        for name, allowed in _RANGES.items():
            value = getattr(self, name)
            if (value is None and name in optional) or (name == "batch" and value == AUTO):
                continue
            if value in allowed:
                continue
            also = f", or {AUTO}" if name == "batch" else ""
            raise UserError(f"--{name} must be {allowed}{also}, not {value!r}.")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise UserError(f"--{name} must be one of {', '.join(choices)}, not {value!r}.")
        for name in ("weights", "mirror"):
            if getattr(self, name) == "":
                raise UserError(f"--{name} is empty. Leave it out, or give a value.")
        if not (self.tiles in (None, "auto", "off") or self.tiles in _WINDOWS):
            raise _no_tiles(self.tiles)
        if self.time is not None:
            parse_duration(self.time)

    @property
    def config_name(self) -> str:
        """The config to train.

        Raises:
            UserError: None is named, and there is no data of the user's own.
        """
        if self.config is None and not self.data:
            raise UserError("Name a config, such as demo, or give your data: --data /path")
        return _FOR_OWN_DATA if self.config is None else self.config

    @property
    def run(self) -> RunFolder:
        """The folder that keeps the result.

        Raises:
            UserError: Its name is not a valid one.
        """
        return RunFolder.to_train(Path(self.config_name).stem if self.name is None else self.name)

    @property
    def changes(self) -> list[str]:
        """What is changed of the config."""
        seeded = [] if self.seed is None else [f"randomness.seed={self.seed}"]
        return [*self.set, *seeded]

    @property
    def on_cpu(self) -> bool:
        """Whether the processor is requested."""
        return self.device == "cpu"

    @property
    def schedule(self) -> ScheduleOptions:
        """What is asked of the schedule, but for a batch that is to be found."""
        return ScheduleOptions(
            epochs=self.epochs,
            batch=None if self.batch == AUTO else self.batch,
            accumulate=self.accumulate,
            lr=self.lr,
            time=None if self.time is None else parse_duration(self.time),
            patience=self.patience,
        )


def parse_tiles(text: str | None) -> Tiles | None:
    """Reads what ``--tiles`` is given: ``auto``, ``off`` or pixels.

    Raises:
        UserError: It is something else.
    """
    words: dict[str, Tiles] = {"auto": "auto", "off": "off"}
    if text is None:
        return None
    if text in words:
        return words[text]
    if not (text.isascii() and text.isdecimal()):
        raise _no_tiles(text)
    return int(text[:9])


def _no_tiles(given: object) -> UserError:
    return UserError(f"--tiles must be auto, off or {_WINDOWS}, not {given!r}.")
