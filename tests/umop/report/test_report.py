"""What the pages say, without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.report.runs import STEPS, made_run
from umop.evaluation import METRICS, Evaluation
from umop.report import write_comparison, write_report
from umop.report.numbers import evaluation_numbers
from umop.report.rows import measured_row
from umop.report.svg import Line, plot, thinned

STYLE = Path(__file__).parents[3] / "umop" / "report" / "templates" / "style.css"


def test_the_numbers_are_the_evaluations(tmp_path: Path) -> None:
    run = made_run(tmp_path / "trees")
    kept = json.loads(run.evaluation.read_text())["metrics"]
    assert len(kept) == 12
    shown = {name: values for name, _, values in evaluation_numbers(run).rows()}
    assert list(shown) == list(METRICS)
    for name, [value] in shown.items():
        assert value == (f"{kept[name]:.3f}" if kept[name] >= 0 else "no boxes")


def test_the_report_says_thresholds_intervals_lost_ap_and_speed(tmp_path: Path) -> None:
    run = made_run(tmp_path / "trees", count=30)
    page = write_report(run).read_text()
    kept = json.loads((run.folder / "analysis.json").read_text())
    low, high = kept["intervals"]["AP"]
    assert f"AP {low:.3f} to {high:.3f}" in page
    assert f"reports detections from a score of <strong>{kept['score']:.2f}</strong>" in page
    assert f'<td class="number">{100 * kept["lost"]["class"]:.1f}</td>' in page
    assert kept["lost"]["class"] > 0
    assert "31.2 ms, the median of 50" in page
    assert "2.304 GFLOPs" in page


def test_an_analysis_of_an_older_version_is_shown(tmp_path: Path) -> None:
    run = made_run(tmp_path / "trees")
    file = run.folder / "analysis.json"
    content = json.loads(file.read_text())
    for new in ("thresholds", "by_score", "lost", "intervals"):
        del content[new]
    for each in content["classes"]:
        del each["score"], each["interval"]
    file.write_text(json.dumps(content))
    evaluation = json.loads(run.evaluation.read_text())
    del evaluation["thresholds"]
    run.evaluation.write_text(json.dumps(evaluation))
    page = write_report(run).read_text()
    assert 'id="classes"' in page
    assert 'id="scores"' not in page
    assert 'id="lost"' not in page
    kept = Evaluation.read(run.evaluation)
    assert kept is not None
    assert kept.thresholds is None


def test_a_comparison_says_how_sure_a_difference_is(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path / name, count=30) for name in ("first", "second"))
    file = second.folder / "detections.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps([each for each in found if each["category_id"] == 1]))
    page = write_comparison([first, second], tmp_path / "page.html").read_text()
    assert "second against first" in page
    row = re.search(r'<th scope="row">bush</th>(.+?)</tr>', page.replace("\n", ""))
    assert row is not None
    assert row[1].endswith('<td class="worse">worse</td>')
    file.unlink()
    page = write_comparison([first, second], tmp_path / "page.html").read_text()
    assert "second against first" not in page


def test_other_evaluations_are_columns(tmp_path: Path) -> None:
    run = made_run(tmp_path / "trees")
    for path in (run.evaluation_tta, run.folder / "evaluations" / "park" / "evaluation.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(run.evaluation.read_bytes())
    assert [each.title for each in evaluation_numbers(run).columns] == [
        "this data",
        "with TTA",
        "park",
    ]


@pytest.mark.parametrize(
    ("values", "texts", "best"),
    [
        ([0.5, 0.25], ["0.500", "0.250"], {0}),
        ([0.5, 0.5], ["0.500", "0.500"], set()),
        ([None, 0.5, 0.75, 0.75], ["", "0.500", "0.750", "0.750"], {2, 3}),
        ([-1, None], ["no boxes", ""], set()),
    ],
)
def test_the_highest_value_is_marked(
    values: list[float | None], texts: list[str], best: set[int]
) -> None:
    row = measured_row("AP", values)
    assert (row.values, row.best) == (texts, best)


def test_a_run_has_its_colour_in_every_plot() -> None:
    drawn = plot([Line("a", [(0, 1.0)]), Line("killed", []), Line("b", [(0, 2.0)])], "step", "AP")
    assert re.findall(r'<li class="(\w+)">(\w+)', drawn) == [("c0", "a"), ("c2", "b")]
    assert re.findall(r'<g class="(\w+)">', drawn) == ["c0", "c2"]


def test_a_long_line_is_thinned_and_keeps_its_end() -> None:
    points = [(float(x), 0.0) for x in range(100_001)]
    kept = thinned(points)
    assert len(kept) <= 500
    assert kept[-1] == points[-1]
    assert thinned(points[:7]) == points[:7]


def test_a_plot_shows_and_names_its_values() -> None:
    drawn = plot([Line("a<b", [(0, 1.0), (10, 3.0)]), Line("nothing", [])], "step", "loss")
    assert "a&lt;b 3 at 10" in drawn
    assert "nothing" not in drawn
    places = re.search(r'points="([^"]+)"', drawn)
    assert places is not None
    (x1, y1), (x2, y2) = (map(float, place.split(",")) for place in places[1].split())
    assert x1 < x2
    assert y1 > y2, "up is more"
    assert "Nothing was measured yet" in plot([], "step", "loss")


def test_a_plot_of_one_point_is_near_it() -> None:
    drawn = plot([Line("rate", [(10, 0.001)])], "step", "rate")
    shown = [float(each) for each in re.findall(r">(-?[\d.]+)</text>", drawn)]
    assert 0.001 in shown
    assert min(shown) >= 0


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_have_enough_contrast(scheme: int) -> None:
    colours = {
        name: both[scheme]
        for name, *both in re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\);", STYLE.read_text())
    }
    ground = luminance(colours["ground"])
    words = ("text", "quiet", "link", "right", "wrong", "warning")
    for name in (*words, *(f"c{i}" for i in range(8))):
        for behind in (ground, luminance(colours["card"])):
            high, low = sorted((luminance(colours[name]), behind), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, name


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs."""
    (tmp_path / "runs").mkdir()
    for name in ("first", "second"):
        made_run(tmp_path / "runs" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_pages(umop: Umop, workplace: Path) -> None:
    code, out, err = umop("report", "first")
    assert (code, out, err) == (0, "Report: runs/first/report.html\n", "")
    code, out, err = umop("report", "first", "second", "first")
    assert (code, out, err) == (0, "Report: runs/comparison.html\n", "")
    assert "<title>first, second: comparison</title>" in Path("runs/comparison.html").read_text()
    code, out, err = umop("report", "first", "--out", "pages/mine.html")
    assert (code, out, err) == (0, "Report: pages/mine.html\n", "")
    assert "<title>first: training report</title>" in Path("pages/mine.html").read_text()


def test_the_last_line_of_a_killed_run_may_be_cut(umop: Umop, workplace: Path) -> None:
    metrics = workplace / "runs" / "first" / "metrics.jsonl"
    metrics.write_text(metrics.read_text() + '{"iter": 40, "lo')
    code, _, err = umop("report", "first")
    assert code == 0, err
    assert f"at {STEPS[-1]}" in Path("runs/first/report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["third"], "There is no run at runs/third. List those that there are: umop runs"),
        (["first", "third"], "There is no run at runs/third."),
        (["a b"], "'a b' is not a valid name for a run."),
        (["first", "--out", "runs"], "runs cannot be written: Is a directory."),
        (["second"], "runs/second/analysis.json is not an analysis of this version. Delete it."),
    ],
)
def test_a_mistake_is_one_line(
    umop: Umop, workplace: Path, arguments: list[str], message: str
) -> None:
    (workplace / "runs" / "second" / "analysis.json").write_text("{}")
    code, out, err = umop("report", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_an_evaluation_of_another_checkpoint_says_so(tmp_path: Path) -> None:
    run = made_run(tmp_path / "trees")
    other = run.folder / "evaluations" / "other-1" / "evaluation.json"
    other.parent.mkdir(parents=True)
    record = json.loads(run.evaluation.read_text())
    other.write_text(json.dumps({**record, "checkpoint_sha256": "0" * 64}))
    titles = [column.title for column in evaluation_numbers(run).columns]
    assert titles == ["this data", "other-1, another checkpoint"]


def test_a_headline_is_of_the_runs_own_data(tmp_path: Path) -> None:
    """An imported run may have been evaluated on other data only."""
    run = made_run(tmp_path / "trees")
    other = run.folder / "evaluations" / "other-1" / "evaluation.json"
    other.parent.mkdir(parents=True)
    run.evaluation.rename(other)
    [headlines] = re.findall(r'class="headlines".*?</', write_report(run).read_text(), re.DOTALL)
    assert "AP" not in headlines
