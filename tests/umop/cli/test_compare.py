"""``umop compare``: a gate for pipelines."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from serving.shared import sha256_of
from tests.umop.conftest import Umop, lively
from tests.umop.report.runs import made_run
from umop.api.run import Run
from umop.evaluation import Evaluation
from umop.runs.checkpoints import checksum_file
from umop.runs.folder import RunFolder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs, evaluated on the same images, of which the second finds no bush."""
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        trained(made_run(tmp_path / "runs" / name, count=30))
    bush = 2
    change(tmp_path / "runs" / "second", lambda each: each["category_id"] != bush)
    return tmp_path / "runs"


def trained(run: RunFolder) -> None:
    """Gives a run a checkpoint, which its evaluation is of."""
    checkpoint = run.folder / "best.pth"
    with zipfile.ZipFile(checkpoint, "w") as archive:
        archive.writestr("weights", run.name)
    (run.folder / "last_checkpoint").write_text(checkpoint.name)
    record = json.loads(run.evaluation.read_text())
    run.evaluation.write_text(json.dumps({**record, "checkpoint_sha256": sha256_of(checkpoint)}))


def change(run: Path, keeps: Any) -> None:
    """Leaves some of the detections out that a run is said to have made."""
    file = run / "detections.json"
    file.write_text(json.dumps(list(filter(keeps, json.loads(file.read_text())))))


def test_a_worse_run_ends_with_3_and_names_the_classes(umop: Umop, runs: Path) -> None:
    code, out, err = umop("compare", "first", "second")
    assert code == 3, err
    worse = (
        "second is worse than first by more than chance explains; in these classes it is: 'bush'"
    )
    assert out.splitlines()[-1] == worse
    assert "AP in the same 30 images" in out
    code, out, _ = umop("compare", "second", "first")
    assert code == 0
    assert out.endswith("first is not worse than second by more than chance explains\n")


def test_a_program_gets_the_same_answer(runs: Path) -> None:
    first, second = Run.named("first"), Run.named("second")
    found = first.compare(second)
    assert (found.mean.is_worse, found.worse()) == (True, ["bush"])
    assert not second.compare(first).mean.is_worse


def test_the_answer_is_json_for_programs(umop: Umop, runs: Path) -> None:
    code, out, _ = umop("compare", "first", "second", "--json")
    answer = json.loads(out)
    assert (code, answer["is_worse"], answer["worse_classes"]) == (3, True, ["bush"])
    kept = [Evaluation.read(runs / "first" / "evaluation.json")]
    assert answer["mean"]["a"] == pytest.approx(kept[0] and kept[0].metrics["AP"], abs=1e-9)


def test_a_single_class_counts_where_it_is_asked_for(umop: Umop, runs: Path) -> None:
    number = iter(range(10**6))
    change(runs / "first", lambda each: each["category_id"] == 2 or next(number) % 4 == 0)
    assert umop("compare", "first", "second")[0] == 0, "trees make up for bushes"
    code, out, _ = umop("compare", "first", "second", "--each-class")
    assert code == 3
    assert "second is not worse than first" in out
    assert "in these classes it is: 'bush'" in out


def test_runs_on_other_data_are_not_compared(umop: Umop, runs: Path) -> None:
    trained(made_run(runs / "third", count=20))
    code, _, err = umop("compare", "first", "third")
    assert code == 2
    assert "first and third are not evaluated with the same annotations" in err
    for same in ("first", "runs/first"):
        code, _, err = umop("compare", "first", same)
        assert code == 2
        assert "runs/first is compared with itself. Name two runs." in err


def test_detections_of_other_images_are_refused(umop: Umop, runs: Path) -> None:
    (runs / "second" / "detections.json").write_text(
        json.dumps([{"image_id": 999, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}])
    )
    code, _, err = umop("compare", "first", "second")
    assert code == 2
    assert "detections.json is not of the images in" in err


@pytest.mark.slow
def test_runs_are_evaluated_on_the_data_that_is_named(
    umop: Umop, workplace: Path, discs: Path, tmp_path: Path
) -> None:
    """On images whose true boxes are those that the first run finds; the second finds nothing."""
    data = Path(shutil.copytree(discs, tmp_path / "data"))
    first = RunFolder(Path(shutil.copytree(workplace / "runs" / "discs", workplace / "runs" / "a")))
    lively(first.best_checkpoint())
    assert umop("eval", "a", "--data", str(data))[0] == 0
    found = json.loads((first.evaluation_of(data) / "detections.json").read_text())
    truth = json.loads((data / "val.json").read_text())
    best = sorted(found, key=lambda each: -each["score"])[:12]
    extra = {"area": 100, "iscrowd": 0}
    truth["annotations"] = [{**each, **extra, "id": id} for id, each in enumerate(best, 1)]
    (data / "val.json").write_text(json.dumps(truth))
    second = RunFolder(Path(shutil.copytree(first.folder, workplace / "runs" / "b")))
    blind(second.best_checkpoint())
    code, out, err = umop("compare", "a", "b", "--data", str(data))
    assert code == 3, err
    assert ("evaluating a" in err, "evaluating b" in err) == (True, True)
    assert out.splitlines()[-1] == "b is worse than a by more than chance explains"
    code, out, err = umop("compare", "b", "a", "--data", str(data))
    assert (code, "evaluating" in err) == (0, False), "what was found is kept"
    code, _, err = umop("compare", "a", "b", "--data", "nowhere")
    assert (code, err.count("\n")) == (2, 1)


def blind(checkpoint: Path) -> None:
    """Shifts the boxes of a model away from all objects."""
    content = torch.load(checkpoint, weights_only=False)
    for name, value in content["state_dict"].items():
        if name.startswith("bbox_head.atss_reg"):
            value.zero_()
    torch.save(content, checkpoint)
    checksum_file(checkpoint).unlink(missing_ok=True)


def test_names_with_brackets_are_printed_as_they_are(
    umop: Umop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("first", "second"):
        trained(made_run(tmp_path / "runs" / name, ("car [left]", "tag [/b]"), count=30))
    code, said, _ = umop("compare", "first", "second")
    assert code == 0, said
    assert "car [left]" in said
    assert "tag [/b]" in said
