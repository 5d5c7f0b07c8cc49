"""What MLflow's server may answer that it should not, from a server that answers as it is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.command import assert_one_line, run
from tests.serving.registry.scripted import ADDRESS, ALIAS, Answer, Scripted, refused, version


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_has_an_end(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("serving.registry.server._SECONDS", 0.3)
    mlflow.answers[ALIAS] = Answer(version(zipped), drips=part)
    assert refused().endswith("does not answer: no whole answer came in 0 s")


@pytest.mark.parametrize(
    "content", [b"<html>", [], {}, {"model_version": []}, b"[" * 100_000, bytes(2**21)]
)
def test_a_server_that_is_not_mlflows_is_said_to_be_none(mlflow: Scripted, content: Any) -> None:
    mlflow.answers[ALIAS] = Answer(content)
    assert "does not answer as MLflow does" in refused()


@pytest.mark.parametrize("server", ["", "sqlite:///mlflow.db"])
def test_the_server_has_to_be_named(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert refused().startswith(f"{ADDRESS}: MLFLOW_TRACKING_URI must name MLflow's server")


def test_umop_serve_says_in_one_line_that_mlflow_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert_one_line(run("--bundle", ADDRESS), f"{ADDRESS}: MLflow at http://127.0.0.1:9 does not")
