"""What the registry is told of a run, and what the run remembers of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.bundle import Bundle
from serving.registry import MlflowServer, RefusedError
from tests.serving.make_bundle import make_bundle
from umop.runs.folder import RunFolder
from umop.runs.registry import _run_of, _tags

TRAIN = {"sha256": "0" * 64, "pictures": 8, "pictures_sha256": "1" * 64}
VAL = {**TRAIN, "sha256": "2" * 64}


class EmptyServer(MlflowServer):
    """A server without runs that makes those it is asked for."""

    def __init__(self) -> None:
        super().__init__({"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})

    def get(self, what: str, **parameters: str) -> dict[str, Any]:
        if what == "experiments/get-by-name":
            return {"experiment": {"experiment_id": "1"}}
        raise RefusedError("no such run", "RESOURCE_DOES_NOT_EXIST", is_temporary=False)

    def post(self, what: str, **fields: object) -> dict[str, Any]:
        return {"run": {"info": {"run_id": "made"}}}


@pytest.mark.parametrize(("before", "after"), [(None, "made\n"), ("training's\n", "training's\n")])
def test_registering_elsewhere_keeps_the_run_that_training_logs_to(
    tmp_path: Path, before: str | None, after: str
) -> None:
    run = RunFolder(tmp_path)
    if before:
        run.mlflow_id.write_text(before)
    assert _run_of(EmptyServer(), run)["run_id"] == "made"
    assert run.mlflow_id.read_text() == after


def test_the_tag_of_the_data_is_equal_where_the_data_is(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "cells.bundle"))
    file = bundle.pack(tmp_path / "bundle.zip")

    def tag(*starts: dict[str, object]) -> str:
        provenance = {"runs": [{"data": data} for data in starts]}
        manifest = bundle.manifest.model_copy(update={"provenance": provenance})
        return _tags(manifest, file)["umop.data_sha256"]

    one = tag({"/a/train.json": TRAIN, "/a/val.json": VAL})
    assert tag({"/b/train.json": TRAIN, "/b/val.json": VAL}) == one, "it lies elsewhere"
    assert tag({"/c.json": VAL}, {"/a/train.json": TRAIN, "/a/val.json": VAL}) == one, "the last"
    others = [
        tag({"/a/train.json": TRAIN}),
        tag({"/a/train.json": VAL, "/a/val.json": TRAIN}),
        *(tag({"/a/train.json": {**TRAIN, key: 9}, "/a/val.json": VAL}) for key in TRAIN),
    ]
    assert len({one, *others}) == 6
