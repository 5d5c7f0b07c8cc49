"""An alias names a version that umop register has made."""

from __future__ import annotations

import pytest

from serving.bundle.remote import version_of
from tests.serving.registry.scripted import ADDRESS, ALIAS, Answer, Scripted, refused, version


def test_a_look_is_one_request_and_tells_an_alias_that_moved(
    mlflow: Scripted, zipped: bytes
) -> None:
    before = version_of(ADDRESS)
    assert version_of(ADDRESS) == before
    mlflow.answers[ALIAS] = Answer(version(zipped + b"0"))
    assert version_of(ADDRESS) != before
    assert mlflow.paths() == [ALIAS] * 3


@pytest.mark.parametrize(
    ("tag", "value"), [("umop.sha256", "../../../x"), ("umop.sha256", ""), ("umop.bytes", "-1")]
)
def test_a_version_without_valid_tags_is_refused(
    mlflow: Scripted, zipped: bytes, tag: str, value: str
) -> None:
    mlflow.answers[ALIAS] = Answer(version(zipped, **{tag: value}))
    assert (
        refused()
        == f"{ADDRESS}: version 3 has no valid tag {tag}: umop register makes such versions"
    )


@pytest.mark.parametrize("address", ["models:/cells", "models:/cells/3", "models:/a/b@c"])
def test_only_an_alias_is_an_address(mlflow: Scripted, address: str) -> None:
    assert refused(address) == f"{address}: an address of a model is models:/NAME@ALIAS"
