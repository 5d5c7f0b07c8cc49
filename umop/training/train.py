"""Trains what a config describes."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from umop.config.settings import without_variables
from umop.console import note
from umop.data.custom import DataSet, read_data, use_data
from umop.data.location import require_data
from umop.errors import UserError
from umop.provenance import write_provenance
from umop.report import write_report
from umop.run import Run
from umop.training.devices import choose_processes, plan
from umop.training.launch import train_in_processes
from umop.training.lock import locked
from umop.training.runner import Runner
from umop.weights import fetch_weights, named_by


def train(
    config: Config,
    run: Run,
    data: Path | None = None,
    on_cpu: bool = False,
    processes: int | None = None,
) -> Path:
    """Trains, or goes on where the run of that name was interrupted; a finished run stays.

    Args:
        config: What to train.
        run: The folder that keeps the result.
        data: Root of the data set, in place of the config's own.
        on_cpu: Train on the processor, also with a config that is made for GPUs.
        processes: How many train together; by default one for each GPU.

    Returns:
        The final checkpoint.

    Raises:
        UserError: GPU, data or weights are missing, the run was started with another config, or
            another process trains it.
    """
    processes = choose_processes(config, on_cpu, processes)
    with locked(run):
        return train_locked(config, run, data, processes)


def train_locked(config: Config, run: Run, data: Path | None, processes: int) -> Path:
    """Trains in a folder that no other process trains in; returns the final checkpoint."""
    found = use_own_data(config, run, data) if data is not None else None
    if found is None:
        require_data(config, "train")
    config.work_dir = str(run.folder)
    check_same_config(config, run)
    if is_finished(config, run):
        return run.require_checkpoint()
    if found is not None:
        found.write_annotations()
    if weights := named_by(config):
        fetch_weights(weights)
    note(plan(config, processes))
    start(config, run, processes)
    write_report(run)
    return run.require_checkpoint()


def use_own_data(config: Config, run: Run, data: Path) -> DataSet:
    """Makes the config read the user's data, whose annotations are still to be written."""
    found = read_data(data, run.folder / "annotations")
    for warning in found.warnings:
        note(f"warning: {warning}")
    use_data(config, found)
    return found


def start(config: Config, run: Run, processes: int) -> None:
    """Trains in this process, or in several."""
    if run.latest_checkpoint():
        run.require_checkpoint()
    if processes > 1:
        if not run.config.is_file():
            config.dump(run.config)
        write_provenance(run.provenance, config)
        train_in_processes(run, processes)
        return
    config.resume = run.latest_checkpoint() is not None
    runner = Runner.from_cfg(config)
    write_provenance(run.provenance, config)
    runner.train()


def is_finished(config: Config, run: Run) -> bool:
    """Whether the run's newest checkpoint is that of its last iteration or epoch.

    Raises:
        UserError: It was imported.
    """
    checkpoint = run.latest_checkpoint()
    if checkpoint is None or not checkpoint.is_file():
        return False
    done = checkpoint.stem.rpartition("_")[2]
    if not done.isdigit():
        raise UserError(
            f"{run.folder} holds {checkpoint.name}, which was not trained here and cannot be "
            "trained on. Give this run another name with --run."
        )
    wanted = config.train_cfg.get("max_iters", config.train_cfg.get("max_epochs"))
    return bool(int(done) >= wanted)


def check_same_config(config: Config, run: Run) -> None:
    """Refuses to continue a run with another config: its result would be neither's.

    Raises:
        UserError: They differ; the message names the first fields that do.
    """
    if not run.config.is_file():
        return
    before = flatten(without_variables(Config.fromfile(run.config)).to_dict())
    now = flatten(without_variables(config).to_dict())
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        raise UserError(
            f"{run.folder} was started with another config (different: "
            f"{', '.join(changed[:3])}). Give this run another name with --run, or delete "
            f"{run.folder} to start it again."
        )


def flatten(value: object, prefix: str = "") -> dict[str, str]:
    """Maps the dotted path of every leaf of a config to its value, as text."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {prefix: repr(value)}
    leaves: dict[str, str] = {}
    for key, child in value.items():
        leaves.update(flatten(child, f"{prefix}.{key}" if prefix else str(key)))
    return leaves
