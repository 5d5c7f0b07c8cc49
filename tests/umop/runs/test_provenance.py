"""What a run came from, and what ``umop runs`` says of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from umop.config.load import load_config
from umop.runs.folder import RunFolder
from umop.runs.listing import listed_run
from umop.runs.lock import locked
from umop.runs.provenance import begin, digest_of_sizes, fingerprint, finish
from umop.system.errors import UserError
from umop.system.exit_codes import FAILURE, STOPPED


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    run = RunFolder.to_train("trees")
    run.folder.mkdir(parents=True)
    return run


def test_each_start_says_what_it_did(run: RunFolder) -> None:
    config = load_config("demo")
    begin(run, config, 0, "umop train demo")
    begin(run, config, 17, "umop train demo")
    finish(run, 40, STOPPED)
    killed, stopped = run.starts()
    assert killed["first_iteration"] == 1
    assert "ended" not in killed, "a killed process could not say so"
    assert (stopped["first_iteration"], stopped["last_iteration"]) == (18, 40)
    assert (stopped["command"], stopped["exit_code"]) == ("umop train demo", STOPPED)
    assert stopped["versions"]["onedl-mmengine"] == "0.10.12"
    head = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    known = subprocess.run(head, capture_output=True, text=True)
    assert stopped["commit"] == (known.stdout.strip() or None)


def test_a_start_with_other_tools_or_data_is_warned_of(
    run: RunFolder, discs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config("demo")
    for split in ("train", "val"):
        config[f"{split}_dataloader"].dataset.data_root = str(discs)
    begin(run, config, 0, "umop train demo")
    begin(run, config, 4, "umop train demo")
    assert capsys.readouterr().err == ""

    [*starts, newest] = run.starts()
    newest |= {"commit": "0123456789abcdef", "devices": ["a GPU"]}
    newest["versions"]["torch"] = "2.0.0"
    newest["data"][str(discs / "val.json")]["sha256"] = "another"
    run.provenance.write_text(json.dumps([*starts, newest]))
    begin(run, config, 8, "umop train demo")
    warned = capsys.readouterr().err
    assert "warning: since this run was started before, there is another commit (0123" in warned
    assert "; torch (2.0.0 before, now 2." in warned
    assert "; device (a GPU before, now " in warned
    assert "; content of the data. The result will not be bit-identical" in warned


def test_a_damaged_record_is_not_written_over(run: RunFolder) -> None:
    run.provenance.write_text("[{")
    with pytest.raises(UserError, match=r"provenance.json is damaged: .* Delete it"):
        begin(run, load_config("demo"), 0, "umop train demo")
    assert run.provenance.read_text() == "[{"


def test_data_is_known_by_its_content(discs: Path) -> None:
    config = load_config("demo")
    for split in ("train", "val"):
        config[f"{split}_dataloader"].dataset.data_root = str(discs)
    found = fingerprint(config)
    assert [data["pictures"] for data in found.values()] == [6, 3]
    names = sorted(path.name for path in (discs / "val").iterdir())
    before = digest_of_sizes(discs / "val", names)
    assert found[str(discs / "val.json")]["pictures_sha256"] == before
    assert digest_of_sizes(discs / "val", names[1:]) != before
    assert digest_of_sizes(discs / "train", names) != before


@pytest.mark.parametrize(
    ("code", "state"),
    [(0, "finished"), (STOPPED, "stopped"), (FAILURE, "failed"), (None, "killed")],
)
def test_runs_are_listed_with_their_state(
    umop: Umop, run: RunFolder, code: int | None, state: str
) -> None:
    begin(run, load_config("demo"), 0, "umop train demo")
    run.metrics_file.write_text('{"iter": 20, "loss": 1.5}\n{"iter": 20, "AP": 0.25}\n')
    if code is not None:
        finish(run, 20, code)
    exit_code, out, err = umop("runs")
    assert exit_code == 0, err
    [row] = [line for line in out.splitlines() if "trees" in line]
    assert [word for word in row.split() if word not in "│|"][:4] == ["trees", state, "20", "0.250"]
    _, out, _ = umop("runs", "--json")
    assert json.loads(out)[0]["state"] == state


def test_a_run_that_is_being_trained_says_so(run: RunFolder) -> None:
    assert listed_run(run).state == "empty"
    with locked(run):
        assert listed_run(run).state == "training"


def test_no_runs_say_what_to_type(
    umop: Umop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = umop("runs")
    assert code == 0
    assert "umop train demo" in out


def test_a_damaged_run_hides_no_other(
    umop: Umop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("broken", "{bad"), ("sound", '[{"exit_code": 0}]')):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "provenance.json").write_text(content)
    for name, lines in (("cut", b'{"AP": 0.\n{"AP": 0.1}\n'), ("odd", b"3\n"), ("raw", b"\xff\n")):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "metrics.jsonl").write_bytes(lines)
    code, out, _ = umop("runs", "--json")
    assert code == 0
    assert {row["name"]: row["state"] for row in json.loads(out)} == {
        "broken": "damaged",
        "cut": "damaged",
        "odd": "damaged",
        "raw": "damaged",
        "sound": "finished",
    }
    code, _, err = umop("report", "broken")
    assert code == 2
    assert "provenance.json is damaged" in err
    code, _, err = umop("report", "cut")
    assert code == 2
    assert "metrics.jsonl is damaged" in err
