"""``umop data suspects`` shows which labels a run suspects."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

from tests.umop.conftest import Umop, lively


def test_suspects_are_a_page_of_crops_and_a_table(umop: Umop, workplace: Path) -> None:
    run = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "lively"))
    for checkpoint in run.glob("*.pth"):
        lively(checkpoint)
    code, out, err = umop("data", "suspects", "lively")
    assert code == 0, err
    with (run / "suspects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert {row["split"] for row in rows} == {"train", "val"}
    assert f"{len(rows)} suspect labels: runs/lively/suspects.html, runs/lively/suspects.csv" in out
    page = (run / "suspects.html").read_text()
    assert page.count("<figure>") == min(100, len(rows))
    assert "cannot be read" not in page
    assert "http" not in re.sub(r"data:[^\"]+", "", page), "it needs no network"


def test_a_run_without_its_data_is_a_mistake(umop: Umop, workplace: Path) -> None:
    run = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "bare"))
    (run / "annotations" / "train.json").unlink()
    config = run / "config.py"
    config.write_text(config.read_text().replace("runs/discs/", "runs/bare/"))
    code, _, err = umop("data", "suspects", "bare")
    assert code == 2
    assert "The train data is not there" in err


def test_a_run_whose_config_somebody_broke_is_a_mistake(umop: Umop, workplace: Path) -> None:
    run = Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "broken"))
    (run / "config.py").write_text("model = (")
    for command in ("data suspects", "eval", "report"):
        code, _, err = umop(*command.split(), "broken")
        assert code == 2
        assert "runs/broken/config.py cannot be read as a config: SyntaxError" in err
        assert len(err.splitlines()) == 1
