"""Images are found by their names without a look at each file for each image."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from umop.data.dataset import Image
from umop.data.files import found
from umop.data.files.found import found_by_name
from umop.data.files.tree import Files

_SCENES, _FRAMES = 12, 5


def test_images_of_one_name_are_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As frames of videos, whose folders have other names in the annotation."""
    for scene in range(_SCENES):
        (tmp_path / f"clips/{scene:03}").mkdir(parents=True)
        for frame in range(_FRAMES):
            (tmp_path / f"clips/{scene:03}/{frame}.jpg").touch()
    names = [f"seq_{scene}/{frame}.jpg" for scene in range(_SCENES) for frame in range(_FRAMES)]
    paths = [tmp_path / name for name in names]
    looks = Counter[str]()
    contradict = found.contradict

    def counting(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        looks["all"] += 1
        return contradict(one, other)

    monkeypatch.setattr(found, "contradict", counting)
    images = [Image(path, tmp_path / "coco.json") for path in paths]
    assert found_by_name(Files(tmp_path), images, paths) == {}
    assert looks["all"] == _SCENES * _FRAMES
