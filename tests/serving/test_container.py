"""SIGTERM ends a command as Ctrl-C does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WRITING = """
import sys, time
from tempfile import TemporaryDirectory
from serving.container import end_by_sigterm
end_by_sigterm()
with TemporaryDirectory(dir=sys.argv[1]):
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_a_command_has_begun_to_write_is_cleared_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 128 + 15
    assert not list(tmp_path.iterdir())
