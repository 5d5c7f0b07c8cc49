"""What the service tells MLflow's server to be let in, and tells nobody else."""

from __future__ import annotations

import re

import pytest

from serving.bundle import Bundle
from serving.registry import MlflowServer
from serving.storage import StorageError
from tests.serving.registry.scripted import ADDRESS, ALIAS, Answer, Scripted, refused


def test_a_redirect_is_named_and_not_followed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    mlflow.answers[ALIAS] = Answer({}, 302, {"Location": f"{mlflow.url}/login?next=%2F"})
    assert refused().endswith(
        f"redirects to {mlflow.url}/login: set MLFLOW_TRACKING_URI to where it is"
    )
    assert mlflow.paths() == [ALIAS]


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_one_line_that_names_the_variables(
    mlflow: Scripted, status: int
) -> None:
    mlflow.answers[ALIAS] = Answer(b"<html>", status)
    assert f"denies access ({status}): set MLFLOW_TRACKING_USERNAME" in refused()


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({"USERNAME": "ada", "PASSWORD": "key", "TOKEN": "abc"}, "Basic YWRhOmtleQ=="),
        ({"TOKEN": "abc"}, "Bearer abc"),
        ({"USERNAME": "ada"}, None),
    ],
)
def test_credentials_are_those_of_mlflows_variables(
    mlflow: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    sent: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    Bundle.open(ADDRESS)
    assert {headers.get("Authorization") for _, headers in mlflow.requests} == {sent}


def test_a_password_in_the_address_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.url.replace("//", "//ada:secret@"))
    Bundle.open(ADDRESS)
    mlflow.answers.clear()
    assert "secret" not in refused()


@pytest.mark.parametrize(
    "address",
    [
        "https://me:s3cr3t/x@mlflow.example.com",
        "https://me:53237/x@mlflow.example.com",
        "https://me:s3cr3t?x@mlflow.example.com",
        "https://mlflow.example.com/?token=s3cr3t",
        "https://mlflow.example.com/#s3cr3t",
        "https://me:s3cr3t\udcff@mlflow.example.com",
    ],
)
def test_an_address_that_is_not_valid_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    said = refused()
    assert said.startswith(f"{ADDRESS}: MLFLOW_TRACKING_URI must name MLflow's server")
    assert not re.search("s3cr3t|53237", said)


def test_a_proxy_that_is_not_valid_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cr3t/x@proxy.example.com")
    assert refused() == f"{ADDRESS}: a variable of MLflow or of a proxy is not valid"


def test_a_token_may_end_with_the_line_of_its_file(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t\n")
    Bundle.open(ADDRESS)
    assert {headers["Authorization"] for _, headers in mlflow.requests} == {"Bearer s3cr3t"}


@pytest.mark.parametrize("token", ["s3cr3t\nX: y", "s3cr3t\u00e9", "s3cr3t\x7f"])
def test_a_token_that_cannot_be_one_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    assert refused() == f"{ADDRESS}: MLFLOW_TRACKING_TOKEN has characters that no token has"


def test_a_header_that_the_client_refuses_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"headers": {"Authorization": "Bearer s3cr3t\n"}}
    monkeypatch.setattr("serving.registry.server._entry", lambda _: entry)
    with pytest.raises(StorageError, match=r"does not answer: LocalProtocolError$") as error:
        MlflowServer().get("registered-models/alias")
    assert not error.value.is_temporary
