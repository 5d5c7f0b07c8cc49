"""UMOP in notebooks: the one of the documentation, and what a kernel asks of training."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.umop import tiny

PAGE = Path(__file__).parents[3] / "docs" / "notebooks" / "own_data.ipynb"
Execute = Callable[[Any], Any]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Execute]:
    """Runs a notebook in a new folder, where ``tiny.py`` is the config of a tiny network."""
    (tmp_path / "tiny.py").write_text(tiny.TEXTS["by_iteration"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def run(notebook: Any) -> Any:
        resources = {"metadata": {"path": str(tmp_path)}}
        return NotebookClient(notebook, timeout=800, resources=resources).execute()

    return run


def notebook(*cells: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def texts(cell: Any) -> str:
    """All that a cell shows as text."""
    shown = [
        each.get("text") or each.get("data", {}).get("text/plain", "") for each in cell.outputs
    ]
    return "\n".join(shown)


def bars(cell: Any) -> list[str]:
    """The progress bars that a cell shows in the end."""
    data = [each.get("data", {}).get("text/html", "") for each in cell.outputs]
    return [html for html in data if html.startswith("<progress")]


def test_the_notebook_of_the_documentation_runs(execute: Execute) -> None:
    """With a tiny network in place of ``small``, whose weights would have to be fetched."""
    page = nbformat.read(PAGE, as_version=4)
    assert all(not cell.get("outputs") for cell in page.cells), "it is kept without its output"
    [training] = [cell for cell in page.cells if 'umop.train("small"' in cell.source]
    training.source = training.source.replace('"small"', '"tiny.py"')
    done = execute(page)
    [bar] = bars(next(cell for cell in done.cells if "umop.train" in cell.source))
    assert '<progress value="240" max="240">' in bar
    assert "images/s" in bar
    assert texts(done.cells[-1]).strip().endswith("the same boxes: True")


START = """
import os
import signal

import umop

data = {data!r}
"""
INTERRUPTED = """
def on_step(iteration, losses):
    if iteration == 6:
        os.kill(os.getpid(), signal.SIGINT)

umop.train("tiny.py", data=data, size=64, name="x", on_step=on_step)
"""
RESUMED = """
run = umop.train("tiny.py", data=data, size=64, name="x")
print([start["first_iteration"] for start in run.starts()])
"""
TOGETHER = """
both = umop.train("tiny.py", data=data, size=64, name="both", processes=2)
print(both.metrics["AP"] >= 0)
"""


def test_a_kernel_outlives_an_interrupt_and_trains_with_two_processes(
    execute: Execute, discs: Path
) -> None:
    before = notebook(START.format(data=str(discs)), INTERRUPTED, RESUMED, TOGETHER)
    before.cells[1].metadata["tags"] = ["raises-exception"]
    _, interrupted, resumed, together = execute(before).cells
    assert interrupted.outputs[-1].ename == "Stopped"
    assert interrupted.outputs[-1].evalue == "Stopped after iteration 6 of 14, which is saved."
    assert '<progress value="6" max="14">' in bars(interrupted)[0]
    assert "[1, 7]" in texts(resumed)
    assert '<progress value="14" max="14">' in bars(resumed)[0]
    assert texts(together).strip().endswith("True")
