"""CONTRIBUTING.md shows how an annotation layout is added; this does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.contributing import copy_with_examples
from tests.umop.data.layouts.writing import write
from tests.umop.data.samples import draw

SCRIPT = """
import sys
from pathlib import Path

from umop.data.check import check
from umop.data.recognition import open_data

report = check(open_data(Path(sys.argv[1])))
print(report.data.layout, *report.data.classes, *report.data.splits())
print(report.data.where(0))
print("convention-sizes" in {each.rule for each in report.findings})
"""
SHOWN = """\
dictionary cat dog train val
train.json: box 1 of a.jpg (images/a.jpg)
True
"""


def test_the_worked_example_of_a_layout(tmp_path: Path) -> None:
    data = tmp_path / "data"
    boxes = [["dog", 40, 6, 24, 30], ["cat", 8, 6, 24, 30]]
    for split, names in (("train", "abc"), ("val", "de")):
        content = {f"{name}.jpg": boxes for name in names}
        write(data / f"{split}.json", json.dumps(content))
        for name in content:
            draw(data / "images" / name, ord(name[0]))
    tree = copy_with_examples(tmp_path / "tree")
    own = {"PYTHONPATH": str(tree), "UMOP_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", SCRIPT, str(data)]
    shown = subprocess.check_output(command, cwd=tree, env=os.environ | own, text=True)
    assert shown == SHOWN
