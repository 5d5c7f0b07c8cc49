"""From a running service back to training, as docs/loop.md goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.serving.running import RunningServer, running
from tests.serving.waiting import wait_until
from tests.umop.conftest import Umop, draw_discs
from umop.api.run import Run
from umop.data.coco import LabelledImage, annotation_entry

IMAGES = 5
KEY = "a key for the test of the loop"


def ask(server: RunningServer, folder: Path) -> dict[str, LabelledImage]:
    """Sends new images to a service; returns what is in them, by the request's id."""
    folder.mkdir()
    random = np.random.default_rng(7)
    sent = {}
    for number in range(IMAGES):
        path = folder / f"{number}.png"
        sent[f"request{number}"] = draw_discs(path, random)
        answer = server.detect(path.read_bytes(), headers={"X-Request-ID": f"request{number}"})
        assert answer.json()["model"] == {"name": "first", "version": "1.0"}
    return sent


def correct(draft: Path, sent: dict[str, LabelledImage]) -> None:
    """Does what a person does with the labelling tool: draws the boxes that are there."""
    content = json.loads((draft / "train.json").read_text())
    boxes: list[dict[str, object]] = []
    for image in content["images"]:
        request = Path(image["file_name"]).stem.rpartition("-")[2]
        for corners in sent[request].boxes.tolist():
            boxes.append(annotation_entry(len(boxes) + 1, image["id"], 1, corners))
    content.update(annotations=boxes, categories=[{"id": 1, "name": "tree"}])
    (draft / "train.json").write_text(json.dumps(content))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_loop_is_walked_once(
    umop: Umop, configs: Path, discs: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(*command: str) -> str:
        code, out, err = umop(*command)
        assert code == 0, err
        return out + err

    monkeypatch.chdir(workplace)
    shutil.copytree(discs, "photos")
    training = ["train", str(configs / "by_iteration.py"), "--size", "128", "--data", "photos"]
    done(*training, "--run", "first")
    done("export", "first")
    shutil.copytree("runs/first/first.bundle", "served.bundle")
    capture = ["--capture", "captured", "--capture-rate", "1"]
    served = ["--bundle", "served.bundle", "--threads", "1", *capture]
    with running(*served, UMOP_ADMIN_KEYS=KEY, UMOP_SCORE_THRESHOLD="0") as server:
        sent = ask(server, workplace / "new")
        wait_until(lambda: len(list(Path("captured").glob("*.json"))) == IMAGES)
        done("data", "captured", "captured", "corrected", "--to", "coco")
        correct(Path("corrected"), sent)

        both = [*training, "--data", "corrected", "--run", "second", "--weights", "first"]
        both += ["--epochs", "40"]
        said = done(*both)
        assert "Plan: 10 images of 1 class" in said, "six, and four of the five"
        second = Run.named("second")
        [start] = second.starts()
        folders = [str(workplace / name) for name in ("photos", "corrected")]
        assert start["data_folders"] == folders
        code, _, err = umop(*training, "--run", "second", "--weights", "first")
        assert code == 2
        assert f"was started with --data {folders[0]} --data {folders[1]}" in err
        before, after = (Run.named(name).metrics["AP50"] for name in ("first", "second"))
        assert after > before

        done("export", "second")
        shutil.rmtree("served.bundle")
        shutil.copytree(second.bundle, "served.bundle")
        reload = httpx.post(f"{server.url}/admin/reload", headers={"X-API-Key": KEY}, timeout=60)
        assert reload.status_code == 200, reload.text
        answer = server.detect((workplace / "new" / "0.png").read_bytes()).json()
        assert answer["model"] == {"name": "second", "version": "1.0"}
