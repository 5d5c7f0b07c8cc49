"""Each kind of broken data is named, and a repaired copy is sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.umop.conftest import Umop
from tests.umop.data.check.defects import KINDS, ORIENTATION, brighter, found, spoilt, train
from tests.umop.data.samples import HEIGHT, WIDTH, coco
from umop.data.check import splits
from umop.data.images import read_rgb

pytestmark = pytest.mark.usefixtures("own_cache")


def test_sound_data_has_no_finding(tmp_path: Path) -> None:
    assert found(coco(tmp_path / "data")).findings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_defect_is_named(tmp_path: Path, kind: str) -> None:
    rule, text, spoil = KINDS[kind]
    findings = found(spoilt(tmp_path / "data", spoil)).findings
    texts = [each.text for each in findings if each.rule == rule]
    assert any(text in each for each in texts), findings


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "no boxes at all"])
def test_a_repaired_copy_has_no_error_and_the_original_stays(
    umop: Umop, tmp_path: Path, kind: str
) -> None:
    root = spoilt(tmp_path / "data", KINDS[kind][2])
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    copied = tmp_path / "fixed"
    code, out, err = umop("data", "check", str(root), "--fix", str(copied))
    assert code == 0, out + err
    assert found(copied).of("error") == ()
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    severity = {each.rule: each.severity for each in found(root).findings}[KINDS[kind][0]]
    if severity != "note":
        assert KINDS[kind][0] in (copied / "fixes.txt").read_text()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_turned_as_exif_turns_the_image(tmp_path: Path, orientation: int) -> None:
    """A bright box on the stored pixels is where the repair puts its box."""
    root = coco(tmp_path / "data")
    content = json.loads((root / "train.json").read_text())
    content["annotations"][0]["bbox"] = [4, 6, 20, 10]
    (root / "train.json").write_text(json.dumps(content))
    dark = Image.new("RGB", (WIDTH, HEIGHT))
    dark.paste((255, 255, 255), (4, 6, 24, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    dark.save(train(root), exif=exif)
    report = found(root)
    pixels = read_rgb(train(root))
    x1, y1, x2, y2 = map(int, report.cleaned.boxes.corners[0])
    if orientation in (5, 6, 7, 8):
        assert [each.rule for each in report.of("error")] == ["exif-unrotated"]
        assert pixels[y1:y2, x1:x2].min() == 255
        assert int((pixels > 0).sum()) == 3 * (x2 - x1) * (y2 - y1)
    elif orientation != 1:
        assert "exif-unclear" in {each.rule for each in report.findings}


def test_scaled_images_have_their_boxes_scaled(tmp_path: Path) -> None:
    report = found(spoilt(tmp_path / "data", KINDS["other size"][2]))
    assert report.cleaned.boxes.corners[0].tolist() == [2.5, 3, 11.5, 13]


def test_splits_that_are_too_large_to_compare_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "MOST_PAIRS", 1)
    root = spoilt(
        tmp_path / "data", lambda root, _: brighter(root / "val" / "val 1.png", train(root))
    )
    report = found(root)
    rules = {each.rule: each.text for each in report.findings}
    assert "split-alike" not in rules
    assert re.fullmatch(r"\d+ images of train with \d+ of val", rules["split-not-compared"])
