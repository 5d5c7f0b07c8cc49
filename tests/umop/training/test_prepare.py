"""What is checked before a run goes on."""

from __future__ import annotations

from pathlib import Path

from umop.config.load import load_config, load_written
from umop.runs.folder import RunFolder
from umop.training.prepare import check_same_config


def test_a_run_of_an_older_version_is_the_same_config(tmp_path: Path) -> None:
    config = load_config("demo")
    run = RunFolder(tmp_path)
    config.dump(run.config)
    written = run.config.read_text()
    assert "'umop.engine.hooks'" in written
    before = written.replace("'umop.engine.hooks'", "'umop.hooks'")
    run.config.write_text(before.replace("'LoadImage'", "'LoadPicture'"))
    check_same_config(config, run)
    assert load_written(run.config).custom_imports == config.custom_imports
