"""``umop-serve``, run to its end."""

from __future__ import annotations

import subprocess
import sys

COMMAND = [sys.executable, "-c", "from serving.cli import main; main()"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command with some arguments."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def assert_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Asserts that the command refused what it was given, in one line that has the words."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert all(word in line for word in words), line
