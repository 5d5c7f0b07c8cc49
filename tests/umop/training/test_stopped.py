"""A signal is not an error of what the program does at that moment."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from umop.config.load import load_config
from umop.distributed.signals import StopSignals
from umop.system.errors import Stopped


def test_a_signal_while_a_config_is_read_is_no_broken_config(tmp_path: Path) -> None:
    config = tmp_path / "signalled.py"
    config.write_text(f'_base_ = "small"\nimport os\nos.kill({os.getpid()}, {signal.SIGTERM})\n')
    with StopSignals().handled(), pytest.raises(Stopped):
        load_config(str(config))
