"""CONTRIBUTING.md shows how a tracker is added; this does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config
from mmengine.registry import VISBACKENDS

import umop.trackers
from umop.runs.folder import RunFolder

PAGE = Path(__file__).parents[3] / "CONTRIBUTING.md"


@pytest.mark.parametrize("variables", [{}, {"SCALARS_CSV": "1"}])
def test_the_worked_example_of_a_tracker(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [example] = re.findall(r"\*\*a tracker\*\*.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    module: dict[str, Any] = {}
    monkeypatch.setattr(VISBACKENDS, "_module_dict", dict(VISBACKENDS.module_dict))
    exec(example, module)
    monkeypatch.setattr(umop.trackers, "TRACKERS", (module["CSV"],))
    config = Config({"visualizer": {"vis_backends": None}})
    chosen = umop.trackers.vis_backends(config, RunFolder(tmp_path), 0, variables)
    for settings in chosen:
        VISBACKENDS.build(settings).add_scalars({"loss": 0.5}, 3)
    assert bool(chosen) == bool(variables)
    assert not variables or (tmp_path / "scalars.csv").read_text() == "loss,3,0.5\n"
