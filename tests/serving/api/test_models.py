"""Several bundles in one service."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from serving.backends import NotReadyError
from serving.backends.choice import choose_models
from serving.bundle import Bundle, BundleError
from serving.inference.slots import RunSlots
from serving.observability.metrics import Metrics
from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.problems import assert_problem
from tests.serving.running import running
from tests.serving.waiting import wait_until

PNG = encode(TWO_SQUARES)
FILES = [("files", PNG)] * 2
INFER = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [""]}]}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of another name, whose classes have other names, too."""
    folder = make_bundle(tmp_path_factory.mktemp("other") / "other.bundle", name="tints")
    manifest = Bundle.open(folder).manifest.model_copy(update={"classes": ("r", "g", "b")})
    (folder / "samples" / "squares.png").rename(folder / "samples" / "tints.png")
    Bundle.write(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def two(bundle_path: Path, other: Path) -> Iterator[TestClient]:
    settings = Settings(bundle=(bundle_path, other), threads=1)
    with TestClient(build_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def found(client: TestClient, path: str) -> tuple[str, set[str]]:
    answer = client.post(path, params={"score_threshold": 0.95}, content=PNG).json()
    return answer["model"]["name"], {each["label"] for each in answer["detections"]}


def test_a_request_names_its_model_or_gets_the_first(two: TestClient) -> None:
    assert [each["name"] for each in two.get("/models").json()] == ["squares", "tints"]
    assert found(two, "/detect") == ("squares", {"red", "blue"})
    assert found(two, "/models/squares/detect") == ("squares", {"red", "blue"})
    assert found(two, "/models/tints/detect") == ("tints", {"r", "b"})
    batch = two.post("/models/tints/detect/batch", files=FILES).json()["results"]
    assert [each["model"]["name"] for each in batch] == ["tints", "tints"]
    coco = two.post("/models/tints/detect?format=coco", content=PNG).json()
    assert [each["name"] for each in coco["categories"]] == ["r", "g", "b"]


def test_a_class_is_one_of_its_models(two: TestClient) -> None:
    assert two.post("/models/tints/detect?classes=r", content=PNG).status_code == 200
    assert_problem(two.post("/models/tints/detect?classes=red", content=PNG), 422, "unknown-class")


def test_a_model_that_is_not_there_is_a_problem(two: TestClient) -> None:
    for path in ("/models/none/detect", "/models/none/detect/batch", "/v2/models/none/infer"):
        answer = two.post(path, content=PNG)
        assert_problem(answer, 404, "unknown-model")
        assert answer.json()["detail"] == "there is only squares, tints"
    assert_problem(two.get("/models/none/samples"), 404, "unknown-model")


def test_the_open_inference_protocol_knows_both(two: TestClient) -> None:
    for name in ("squares", "tints"):
        assert two.get(f"/v2/models/{name}").json()["name"] == name
        assert two.get(f"/v2/models/{name}/ready").json() == {"name": name, "ready": True}
    body = {"inputs": [{**INFER["inputs"][0], "data": [base64.b64encode(PNG).decode()]}]}
    assert two.post("/v2/models/tints/infer", json=body).json()["model_name"] == "tints"


def test_samples_are_a_models_own(two: TestClient) -> None:
    assert two.get("/samples").json() == ["squares.png"]
    assert two.get("/models/tints/samples").json() == ["tints.png"]
    assert two.get("/models/tints/samples/tints.png").headers["content-type"] == "image/png"
    assert_problem(two.get("/models/squares/samples/tints.png"), 404, "unknown-sample")


def test_metrics_are_told_by_model(two: TestClient) -> None:
    def count() -> float:
        lines = two.get("/metrics").text.splitlines()
        [line] = [x for x in lines if x.startswith('umop_model_seconds_count{model="tints"}')]
        return float(line.rpartition(" ")[2])

    found(two, "/models/tints/detect")
    before = count()
    found(two, "/models/tints/detect")
    assert count() == before + 1
    text = two.get("/metrics").text
    assert 'umop_model_info{name="squares",version="1"} 1.0' in text
    assert 'umop_model_info{name="tints",version="1"} 1.0' in text


def test_each_model_is_ready_by_itself(bundle_path: Path, other: Path) -> None:
    async def main() -> None:
        models = choose_models(Settings(bundle=(bundle_path, other), threads=1), Metrics())
        with pytest.raises(NotReadyError):
            await models.check()
        await models.first.reload()
        await models.first.check()
        assert models.find("squares") is models.first
        with pytest.raises(NotReadyError):
            models.find("tints")
        with pytest.raises(NotReadyError):
            await models.check()
        await models.start()
        await models.check()
        await models.stop()

    asyncio.run(main())


def test_two_bundles_of_one_name_are_refused(bundle_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle_path, tmp_path / "copy.bundle"))

    async def main() -> None:
        models = choose_models(Settings(bundle=(bundle_path, copy), threads=1), Metrics())
        try:
            with pytest.raises(BundleError, match="2 bundles are named squares"):
                await models.start()
        finally:
            await models.stop()

    asyncio.run(main())


@pytest.mark.parametrize(
    "names", [("tints", "tints"), ("tints", "squares"), ("squares", "squares")]
)
def test_a_reload_that_gives_a_model_the_name_of_another_changes_nothing(
    bundle_path: Path, other: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    folders = (tmp_path / "a.bundle", tmp_path / "b.bundle")
    for source, folder in zip((bundle_path, other), folders, strict=True):
        shutil.copytree(source, folder)

    async def reloaded() -> list[str]:
        settings = Settings(bundle=folders, threads=1)
        models = choose_models(settings, Metrics())
        await models.start()
        try:
            for folder, name in zip(folders, names, strict=True):
                manifest = Bundle.open(folder).manifest.model_copy(update={"name": name})
                Bundle.write(folder, manifest)
            with pytest.raises(BundleError, match="named"):
                await models.reload()
            return [each.name for each in models.manifests() if models.find(each.name)]
        finally:
            await models.stop()

    assert asyncio.run(reloaded()) == ["squares", "tints"]


def test_a_remote_models_name_is_for_one_bundle(bundle_path: Path, other: Path) -> None:
    with pytest.raises(ValidationError, match="several bundles"):
        Settings(bundle=(bundle_path, other), remote_model="x")


@pytest.mark.slow
@pytest.mark.parametrize("by_variable", [True, False])
def test_they_are_named_by_options_or_by_the_variable(
    bundle_path: Path, other: Path, by_variable: bool
) -> None:
    bundles = [str(bundle_path), str(other)]
    options = [] if by_variable else [word for each in bundles for word in ("--bundle", each)]
    variables = {"UMOP_BUNDLE": ",".join(bundles)} if by_variable else {}
    with running(*options, **variables) as server:
        answer = server.detect(PNG)
        assert answer.json()["model"]["name"] == "squares"


def test_batches_of_all_models_share_the_processors() -> None:
    async def main() -> None:
        slots = RunSlots()
        await slots.take(2)
        assert slots.begin(has_followers=False), "it has all processors"
        others = [asyncio.create_task(slots.take(2)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert [each.done() for each in others] == [False] * 3
        await slots.give_back()
        await asyncio.sleep(0.01)
        assert [each.done() for each in others] == [True, True, False], "two at a time"
        assert not slots.begin(has_followers=False), "it shares them with another model's batch"
        await slots.give_back()
        await others[2]

    asyncio.run(main())


def test_a_wait_that_is_given_up_leaves_the_slot() -> None:
    async def main() -> None:
        slots = RunSlots()
        await slots.take(1)
        gone = asyncio.create_task(slots.take(1))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await slots.give_back()
        await slots.take(1)
        assert slots.begin(has_followers=False)

    asyncio.run(main())
