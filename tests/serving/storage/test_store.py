"""What a store says of addresses, variables and names that cannot be, and of refusals."""

from __future__ import annotations

import urllib.request

import pytest

from serving.storage import StorageError, Store
from tests.serving.storage.conditional import replace_twice
from tests.storage import Fault, Storage


def test_a_conditional_write_loses_against_the_one_that_was_first(
    storage: Storage, place: str
) -> None:
    store = Store(place)
    first, second = replace_twice(store)
    assert store.replace("lease", b"two", first) == second  # its answer was lost, it was not


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://host/x", "ftp:// is not known here"),
        ("s3://", "the address names no bucket"),
        ("models:/cells@champion", "has only bundles"),
        ("https://host/x?y=1", "cannot have a query"),
        ("s3://no-such-bucket/x", "404 NoSuchBucket"),
        ("az://container/x", "Account must be specified"),
        ("s3://my bucket/x", "there can be no such address"),
        ("s3://bucket:80/x", "there can be no such address"),
        ("s3://bucket/a/../x", "there can be no such address"),
        ("s3://bucket/a//x", "there can be no such address"),
        ("s3://bucket/a\nx", "there can be no such address"),
        ("https://host:99999/x", "there can be no such address"),
    ],
)
def test_a_bad_address_is_one_clear_line(storage: Storage, address: str, said: str) -> None:
    with pytest.raises(StorageError) as refused:
        Store(address).objects()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=403), "access is denied: 403"),
        (Fault(status=301), "another region than AWS_REGION says"),
    ],
)
def test_a_server_that_refuses_is_not_asked_again(
    storage: Storage, place: str, fault: Fault, said: str
) -> None:
    storage.fault = lambda method, path: fault
    with pytest.raises(StorageError, match=said) as refused:
        Store(place).objects()
    assert not refused.value.is_temporary
    assert len(storage.requests) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=400, code="RequestTimeout"), "400 RequestTimeout"),
        (Fault(status=400, code="ExpiredToken"), "400 ExpiredToken"),
        (Fault(status=403, code="RequestTimeTooSkewed"), "this machine's clock is wrong"),
    ],
)
def test_a_refusal_that_says_nothing_of_the_request_is_temporary(
    storage: Storage, place: str, fault: Fault, said: str
) -> None:
    storage.fault = lambda method, path: fault
    with pytest.raises(StorageError, match=said) as refused:
        Store(place).objects()
    assert refused.value.is_temporary
    assert refused.value.may_pass


def test_an_error_in_an_answer_of_success_is_said_by_its_name(storage: Storage, place: str) -> None:
    store = Store(place)
    storage.fault = lambda method, path: Fault(status=200, code="InternalError")
    with pytest.raises(StorageError, match=r"/lease: InternalError$") as failed:
        store.delete(["lease"])
    assert failed.value.is_temporary


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "key\n", "has characters that cannot be sent"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "übung", "has characters that cannot be sent"),
        ("AWS_ENDPOINT_URL", "storage:9000", "must name a server"),
        ("AWS_ENDPOINT_URL", "", "must name a server"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", "must name a server"),
        ("AWS_ENDPOINT_URL", "http://a host", "must name a server"),
    ],
)
def test_a_variable_that_obstore_panics_at_is_one_clear_line(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StorageError, match=f"^{variable} {said}") as refused:
        Store("s3://bucket/x")
    assert not value or value not in str(refused.value)


def test_missing_credentials_are_said(
    storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", storage.url)
    storage.fault = lambda method, path: Fault(status=404)
    with pytest.raises(StorageError, match="no variable has credentials") as refused:
        Store(place).objects()
    assert not refused.value.is_temporary
    assert refused.value.may_pass, "a pod's identity may come after the pod"


def test_an_object_whose_name_cannot_be_asked_for_is_said(storage: Storage, place: str) -> None:
    request = urllib.request.Request(
        f"{storage.behind}/{place[5:]}/a//b.bin", data=b"x", method="PUT"
    )
    urllib.request.urlopen(request)
    with pytest.raises(StorageError, match="a name with an empty part") as refused:
        Store(place).objects()
    assert not refused.value.is_temporary
