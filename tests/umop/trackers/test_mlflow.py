"""MLflow's server: scalars of a run, and its bundle in the model registry."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from fastapi.testclient import TestClient
from mmengine.config import Config

from serving.bundle import Bundle
from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.running import asked, running
from tests.serving.signing import make_key_pair, signed_copy
from tests.serving.waiting import wait_until
from tests.storage import BUCKET, Storage
from tests.umop.conftest import Umop
from tests.umop.trackers.test_trackers import SMALL
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.trackers.mlflow import ScalarsToMlflow, settings

CONFIG = Config({"train_cfg": {"max_iters": 4}, "optim_wrapper": {}, "randomness": {"seed": 0}})
PNG = encode(TWO_SQUARES)
pytestmark = pytest.mark.timeout(600)  # the server takes minutes to start on a busy machine
CHAMPION = "models:/cells@champion"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's client sets its server's address in the environment, which is restored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    with patch.dict(os.environ):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        yield


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def mlflow_server(mlflow_folder: Path) -> Iterator[str]:
    for package in ("mlflow", "flask"):  # mlflow-skinny has no server
        pytest.importorskip(package, reason="needs the server: pip install mlflow")
    folder = mlflow_folder
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    store = f"sqlite:///{folder}/mlflow.db"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--backend-store-uri", store, "--artifacts-destination", str(folder)],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/health"), seconds=400)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status == 200
    return False


def experiment(server: str) -> str:
    found = ask(server, "experiments/search", max_results=10)["experiments"]
    return next(each["experiment_id"] for each in found if each["name"] == "umop")


def ask(server: str, what: str, **question: object) -> dict[str, list[dict[str, dict]]]:
    url = f"{server}/api/2.0/mlflow/{what}"
    request = urllib.request.Request(url, json.dumps(question).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_mlflow_keeps_the_scalars_of_a_run(
    umop: Umop, discs: Path, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    code, _, err = umop("train", "demo", "--run", "trees", "--data", str(discs), *SMALL)
    assert code == 0, err
    [found] = ask(mlflow_server, "runs/search", experiment_ids=[experiment(mlflow_server)])["runs"]
    assert found["info"]["run_name"] == "trees"
    assert found["info"]["status"] == "FINISHED"
    latest = {metric["key"]: metric for metric in found["data"]["metrics"]}
    assert latest["loss"]["step"] == latest["AP"]["step"] == 4
    assert latest["gamma_0"]["value"] >= 1.5
    make_bundle(RunFolder.named("trees").bundle, name="trees")
    assert umop("register", "trees", "--alias", "candidate")[0] == 0
    assert version_of(mlflow_server, "trees", "candidate")["run_id"] == found["info"]["run_id"]


def to_mlflow(folder: Path, server: str, *, must_answer: bool = True) -> ScalarsToMlflow:
    chosen = settings(RunFolder(folder), int(not must_answer), {"MLFLOW_TRACKING_URI": server})
    assert chosen is not None
    del chosen["type"]
    return ScalarsToMlflow(**chosen)


@pytest.mark.slow
def test_mlflow_has_one_run_for_all_starts(tmp_path: Path, mlflow_server: str) -> None:
    def train(last: int) -> list[dict[str, dict]]:
        backend = to_mlflow(tmp_path / "palms", mlflow_server)
        backend.add_config(CONFIG)
        backend.add_scalars({"loss": 1.0}, last)
        backend.close()
        found = ask(mlflow_server, "runs/search", experiment_ids=[experiment(mlflow_server)])
        return [run for run in found.get("runs", []) if run["info"]["run_name"] == "palms"]

    (tmp_path / "palms").mkdir()
    [first] = train(2)
    [again] = train(4)
    assert again["info"]["run_id"] == first["info"]["run_id"]
    assert [metric["step"] for metric in again["data"]["metrics"]] == [4]
    ask(mlflow_server, "runs/delete", run_id=first["info"]["run_id"])
    [new] = train(4)
    assert new["info"]["run_id"] != first["info"]["run_id"], "the user deleted the first"


def test_an_mlflow_that_does_not_answer_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow", reason="needs the client: pip install mlflow-skinny")
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(UserError, match=f"MLflow at {nowhere} does not answer.*refused") as error:
        to_mlflow(tmp_path, nowhere).add_config(CONFIG)
    assert "\n" not in str(error.value)
    resumed = to_mlflow(tmp_path, nowhere, must_answer=False)
    resumed.add_config(CONFIG)
    for step in (1, 2):
        resumed.add_scalars({"loss": 1.0}, step)
    resumed.close()
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: MLflow at {nowhere} does not answer")


@pytest.fixture
def register(umop: Umop, mlflow_server: str) -> Callable[..., str]:
    """Makes a bundle, and puts it into the registry; returns what the command printed."""
    os.environ["MLFLOW_TRACKING_URI"] = mlflow_server

    def run(version: str, alias: str = "champion") -> str:
        bundle = RunFolder.to_train(f"run-{version}").bundle
        if not bundle.exists():
            make_bundle(bundle, name="cells", version=version)
        code, out, err = umop("register", f"run-{version}", "--alias", alias)
        assert code == 0, err
        return out

    return run


def version_of(server: str, name: str, alias: str) -> dict[str, str]:
    url = f"{server}/api/2.0/mlflow/registered-models/alias?name={name}&alias={alias}"
    with urllib.request.urlopen(url) as answer:
        return dict(json.load(answer)["model_version"])


def tags_of(version: dict) -> dict[str, str]:
    return {each["key"]: each["value"] for each in version["tags"]}


@pytest.mark.slow
def test_a_bundle_is_registered_once_with_what_it_is_and_where_it_comes_from(
    umop: Umop, register: Callable[..., str], mlflow_server: str
) -> None:
    bundle = make_bundle(RunFolder.to_train("run-1").bundle, name="cells")
    data = {"/data/train.json": {"sha256": "0" * 64}}
    made = Bundle.open(bundle).manifest
    Bundle.write(
        bundle,
        made.model_copy(update={"metrics": {"AP": 0.5}, "provenance": {"runs": [{"data": data}]}}),
    )
    assert register("1", "candidate").startswith("Registered: version ")
    candidate = version_of(mlflow_server, "cells", "candidate")
    tags = tags_of(candidate)
    assert (tags["umop.ap"], tags["umop.run"]) == ("0.5000", "run-1")
    assert tags["umop.data_sha256"]
    found = ask(mlflow_server, "runs/search", experiment_ids=[experiment(mlflow_server)])["runs"]
    [source] = [each["info"] for each in found if each["info"]["run_id"] == candidate["run_id"]]
    assert (source["run_name"], source["status"]) == ("run-1", "FINISHED")
    assert register("1").startswith("Already registered: version ")
    champion = version_of(mlflow_server, "cells", "champion")
    assert champion["version"] == candidate["version"]
    signed = signed_copy(bundle, Path("signed.bundle"), make_key_pair(Path()))
    (signed / "model.sig").rename(bundle / "model.sig")
    assert register("1").startswith("Registered: version ")
    again = version_of(mlflow_server, "cells", "champion")
    assert again["run_id"] == candidate["run_id"]
    assert Bundle.open(CHAMPION, verify_key=Path("sign.pub")).is_verified


@pytest.mark.slow
def test_no_request_is_lost_while_an_alias_moves(register: Callable[..., str]) -> None:
    register("1")
    with (
        running("--bundle", CHAMPION, "--bundle-poll", "0.2", "--threads", "1") as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
        asked(server, PNG) as answers,
    ):
        register("2")
        wait_until(lambda: client.get("/models").json()[0]["version"] == "2")
    assert set(answers) == {200}


@pytest.mark.slow
def test_what_cannot_be_had_leaves_the_old_bundle_and_is_said(
    register: Callable[..., str],
    mlflow_server: str,
    mlflow_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register("1")
    with TestClient(build_app(Settings(bundle=CHAMPION, bundle_poll=0.1, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)

        def says(words: str | None) -> bool:
            answer = client.get("/readyz")
            assert answer.status_code == 200
            detail = answer.json().get("detail")
            failing = f"umop_bundle_failing {0.0 if words is None else 1.0}"
            is_said = detail is None if words is None else words in (detail or "")
            return is_said and failing in client.get("/metrics").text

        with monkeypatch.context() as away:
            away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
            wait_until(lambda: says("MLflow at http://127.0.0.1:9 does not answer"))
        wait_until(lambda: says(None))
        register("3", "candidate")
        digest = tags_of(version_of(mlflow_server, "cells", "candidate"))["umop.sha256"]
        [kept] = mlflow_folder.rglob(f"{digest}/bundle.zip")
        content = kept.read_bytes()
        kept.write_bytes(content[:-1] + b"x")
        register("3")
        wait_until(lambda: says("is not what was registered"))
        assert client.get("/models").json()[0]["version"] == "1"
        assert client.post("/detect", content=PNG).status_code == 200


@pytest.mark.slow
def test_artifacts_in_object_storage_are_read_and_written_there(
    register: Callable[..., str], mlflow_server: str, storage: Storage, umop: Umop
) -> None:
    where = f"s3://{BUCKET}/mlflow"
    ask(mlflow_server, "experiments/create", name="stored", artifact_location=where)
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "stored"
    register("4", "stored")
    assert version_of(mlflow_server, "cells", "stored")["source"].startswith(where)
    Path("squares.png").write_bytes(PNG)
    code, out, err = umop("predict", "models:/cells@stored", "squares.png")
    assert code == 0, err
    assert '"version":"4"' in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alias", "name", "said"),
    [("latest", "cells", "alias"), ("candidate", "a/b", "name")],
)
def test_what_mlflow_refuses_is_one_line(
    register: Callable[..., str], umop: Umop, alias: str, name: str, said: str
) -> None:
    make_bundle(RunFolder.to_train("run-1").bundle, name="cells")
    code, _, err = umop("register", "run-1", "--alias", alias, "--name", name)
    assert code == 2
    [line] = err.splitlines()
    assert "answers 400" in line
    assert said in line


def test_register_without_a_server_or_a_bundle_is_one_line(umop: Umop) -> None:
    RunFolder.to_train("run-1").folder.mkdir(parents=True)
    assert "umop export RUN makes one" in umop("register", "run-1", "--alias", "candidate")[2]
    make_bundle(RunFolder.to_train("run-1").bundle)
    for server, code in (("", 2), ("http://127.0.0.1:9", 1)):
        os.environ["MLFLOW_TRACKING_URI"] = server
        ended, _, err = umop("register", "run-1", "--alias", "candidate")
        assert (ended, err.count("\n"), err.count("MLflow")) == (code, 1, 1), err
