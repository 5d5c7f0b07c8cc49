"""Images are cut into windows where that is asked for, and auto asks the boxes."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from serving.bundle.schema import TileSpec
from serving.inference.detector import Detector
from tests.umop.conftest import Umop, lively
from tests.umop.distributed.starter import Starter
from tests.umop.training.results import metrics, result
from tests.umop.training.test_resume import stopped_and_resumed
from umop.config.load import load_config
from umop.data.pipeline.tiling import of_one_window, tiles_of
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.training.options import TrainOptions
from umop.training.tiles import Scenes, fit_tiles


def scenes(image: int, *sides: int) -> Scenes:
    """One square image; its boxes of each side are a class, half as many as of the one before."""
    chance = np.random.default_rng(0)
    annotations = [
        {"image_id": 1, "category_id": kind, "bbox": [*corner, side, side]}
        for kind, side in enumerate(sides, 1)
        for corner in chance.integers(0, image - side, (40 // 2**kind, 2)).tolist()
    ]
    images = [{"id": 1, "width": image, "height": image}]
    return Scenes.of({"images": images, "annotations": annotations})


def test_the_smallest_class_is_seen_too() -> None:
    for sides, window in (
        ((30, 12), 208),
        ((30, 20), 347),
        ((30, 24), 416),
        ((30, 12, 200), 400),
        ((30, 30, 3), 416),
    ):
        config = load_config("small")
        fit_tiles(config, "auto", None, scenes(2560, *sides))
        spec = tiles_of(config)
        assert spec is not None
        assert spec.window == window


def test_a_small_class_among_large_boxes_is_cut_for() -> None:
    config = load_config("small")
    fit_tiles(config, "auto", None, scenes(4000, 100, 12))
    spec = tiles_of(config)
    assert spec is not None
    assert spec.window == 208


@pytest.mark.parametrize(
    ("image", "box", "size", "window", "overlap"),
    [
        (2560, 30, None, 416, 52),  # at its own scale
        (2560, 30, 640, 640, 80),
        (4000, 16, None, 208, 26),  # twice as large
        (12000, 100, None, 1300, 162),  # a third
        (640, 100, None, None, None),  # ordinary data
        (2560, 60, None, None, None),  # auto_size makes it large enough
        (2560, 60, 416, 416, 73),  # but no other size is allowed
    ],
)
def test_auto_suits_the_boxes_and_leaves_ordinary_data(
    image: int, box: int, size: int | None, window: int | None, overlap: int | None
) -> None:
    config = load_config("small")
    before = config.to_dict()
    cut = fit_tiles(config, "auto", size, scenes(image, box))
    assert cut is not None
    spec = tiles_of(config)
    if window is None or overlap is None:
        assert spec is None
        assert cut.windows is None
        assert cut.note.startswith("Tiles: none.")
        assert config.to_dict() == {**before, "tiles": None}
    else:
        assert spec == TileSpec(window=window, overlap=overlap)
        assert f"windows of {window} pixels" in cut.note


def test_training_and_tests_scale_windows_alike() -> None:
    config = load_config("small")
    cut = fit_tiles(config, 640, 320, scenes(2560, 30))
    assert cut is not None
    assert cut.windows is not None
    train = [step.type for step in config.train_dataloader.dataset.pipeline]
    assert train[:4] == ["LoadImage", "LoadAnnotations", "RandomWindow", "RandomResize"]
    assert tuple(config.train_dataloader.dataset.pipeline[3].scale) == (320, 320)
    for split in ("val", "test"):
        each = config[f"{split}_dataloader"].dataset.pipeline[1]
        assert each.transforms[0].scale_factor == 0.5
    plain = of_one_window(config).test_dataloader.dataset.pipeline
    assert [step["type"] for step in plain] == ["LoadImage", "Resize", "PackDetInputs"]


def test_a_config_may_have_windows_of_its_own() -> None:
    config = load_config("small", ["tiles={'window': 512, 'overlap': 64}"])
    fit_tiles(config, None, None, scenes(2560, 30))
    assert tiles_of(config) == TileSpec(window=512, overlap=64)
    fit_tiles(
        config := load_config("small", ["tiles={'window': 5, 'overlap': 64}"]),
        "off",
        None,
        scenes(640, 9),
    )
    assert tiles_of(config) is None
    with pytest.raises(UserError, match="they need window, 64 to 8192"):
        fit_tiles(
            load_config("small", ["tiles={'window': 5, 'overlap': 1}"]), None, None, scenes(640, 9)
        )


def test_images_at_their_own_size_are_not_cut() -> None:
    with pytest.raises(UserError, match="at their own size: --tiles does not suit it"):
        fit_tiles(load_config("demo"), "auto", None, scenes(2560, 30))


@pytest.mark.parametrize("tiles", ["63", "9000", "640.5", "on", "-640", ""])
def test_other_values_are_refused_in_one_line(umop: Umop, tiles: str) -> None:
    code, _, error = umop("train", "--data", "nowhere", f"--tiles={tiles}")
    assert code == 2
    assert error.startswith("error: --tiles must be auto, off or a whole number from 64 to 8192")


@pytest.mark.parametrize(("name", "mixes"), [("small", True), ("medium", False)])
def test_the_plan_says_that_windows_are_not_mixed(name: str, mixes: bool) -> None:
    cut = fit_tiles(load_config(name), 640, None, scenes(2560, 30))
    assert cut is not None
    assert ("Windows are not mixed" in cut.note) == mixes


def test_the_python_door_refuses_them_too() -> None:
    with pytest.raises(UserError, match="--tiles must be auto"):
        TrainOptions(config="small", tiles=True)


@pytest.mark.slow
def test_it_trains_resumes_evaluates_exports_and_serves_by_windows(
    umop: Umop,
    configs: Path,
    discs: Path,
    workplace: Path,
    starts: Starter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(workplace)
    config = str(configs / "by_iteration.py")
    command = ["train", config, "--data", str(discs), "--tiles", "96", "--size", "64", "--run"]
    code, _, said = umop(*command, "cut")
    assert code == 0, said
    assert "Tiles: images are looked at in windows of 96 pixels that share" in said
    assert "6 images of 1 class in " in said
    run, killed = (RunFolder(workplace / "runs" / name) for name in ("cut", "killed"))
    stopped_and_resumed(starts, workplace, [*command, "killed"], [signal.SIGKILL])
    assert result(killed) == result(run)
    assert metrics(killed) == metrics(run)
    lively(run.best_checkpoint())
    assert umop("eval", "cut")[0] == 0
    by_checkpoint = json.loads(run.evaluation.read_text())["metrics"]
    code, _, said = umop("export", "cut")
    assert code == 0, said
    detector = Detector.load(run.bundle, threads=1)
    assert detector.manifest.tiles is not None
    assert detector.manifest.tiles.window == 96
    assert detector.manifest.metrics == by_checkpoint
    found = detector.predict(discs / "val" / "0.png", score_threshold=0.05)
    kept = json.loads((run.folder / "detections.json").read_text())
    first = [each for each in kept if each["image_id"] == min(one["image_id"] for one in kept)]
    assert len(first) == len(found) > 0
    assert sorted(each["score"] for each in first) == pytest.approx(
        sorted(found.scores.tolist()), abs=1e-4
    )
    code, _, said = umop("eval", "cut", "--tta")
    assert code == 2
    assert "in windows" in said
