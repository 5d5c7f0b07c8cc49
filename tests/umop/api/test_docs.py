"""The examples of docs/python.md run, one after the other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.umop import tiny

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_examples_run(
    tmp_path: Path,
    discs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a tiny network in place of ``small``, whose weights would have to be fetched."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(tiny.TEXTS["by_iteration"])
    shutil.copytree(discs, tmp_path / "photos")
    shutil.copytree(discs / "val", tmp_path / "images")
    shutil.copy(discs / "val" / "0.png", tmp_path / "photo.jpg")
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 8
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example.replace('"small"', '"tiny.py"'), str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "runs/cells was started with another config" in printed
    assert "images/2.png" in printed
    assert (tmp_path / "boxes.jpg").is_file()
