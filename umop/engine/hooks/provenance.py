"""Records each start of a run, and how it ended."""

from __future__ import annotations

from mmengine.hooks import Hook

from umop.data.preparation.custom import read_from
from umop.engine.protocol import TrainingRunner
from umop.runs.folder import RunFolder
from umop.runs.provenance import begin, finish
from umop.system.errors import Stopped
from umop.system.exit_codes import exit_code_of


class ProvenanceHook(Hook):
    """Writes ``provenance.json``; registered only on the first rank.

    Args:
        run: The run.
        command: What started it.
    """

    priority = "VERY_HIGH"

    def __init__(self, run: RunFolder, command: str) -> None:
        self.run = run
        self.command = command
        self.has_begun = False

    def before_train(self, runner: TrainingRunner) -> None:
        folders = read_from(self.run.annotations)
        begin(self.run, runner.cfg, runner.iter, self.command, folders)
        self.has_begun = True

    def after_train(self, runner: TrainingRunner) -> None:
        finish(self.run, runner.iter, 0)

    def broken_off(self, runner: TrainingRunner, error: BaseException) -> None:
        """Records that training ended before its time."""
        if not self.has_begun:
            return
        stopped = isinstance(error, Stopped)
        done = runner.checkpoints.saved_iteration if stopped else runner.iter
        finish(self.run, done, exit_code_of(error))
