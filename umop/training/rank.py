"""One of several processes that train together: ``python -m umop.training.rank FILE``.

:func:`umop.distributed.launch.launch` starts it, and tells its user why it ended.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from umop.distributed.orders import Reasons, read_order
from umop.distributed.signals import StopSignals, ignore_signals
from umop.system.console import quietly, report_thread
from umop.system.errors import NOT_WRITABLE, FetchError, Stopped, TrainingError, UserError
from umop.system.exit_codes import exit_code_of
from umop.system.processor import tune_processor


def main() -> None:
    """Trains as the order says. What a user can understand is handed back, not printed."""
    threading.excepthook = report_thread
    tune_processor()
    order = Path(sys.argv[1])
    try:
        with StopSignals().handled() as stop, quietly():
            _follow(order, stop)
    except (UserError, TrainingError, FetchError, OSError, Stopped) as error:
        ignore_signals()
        if isinstance(error, OSError) and error.errno not in NOT_WRITABLE:
            raise
        Reasons(order.parent).write(int(os.environ["RANK"]), error)
        sys.exit(exit_code_of(error))


def _follow(order: Path, stop: StopSignals) -> None:
    """Trains as an order says.

    Args:
        order: Its file.
        stop: Whether training was asked to stop.
    """
    from mmengine.utils import import_modules_from_strings

    from umop.training.train import train

    config, run, options = read_order(order)
    import_modules_from_strings(**config.custom_imports)
    train(config, run, options, stop)


if __name__ == "__main__":
    main()
