"""Data at an address of a real S3 server."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from serving.storage import Store
from tests.storage import Fault, Storage, upload
from tests.umop.conftest import Umop
from umop.data.preparation.custom import read_data
from umop.data.recognition import files_of
from umop.system.errors import FetchError, UserError
from umop.system.fetched import address_in, fetched_path

pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_check_reads_an_address_and_a_second_one_moves_no_byte(
    storage: Storage, place: str, discs: Path, umop: Umop
) -> None:
    upload(discs, place)
    code, out, err = umop("data", "check", place)
    assert code == 0, err
    assert f"from {place} to " in err
    storage.forget()
    again = umop("data", "check", place)
    assert (again[0], again[1]) == (code, out)
    assert storage.fetched() == []


def test_an_object_that_changed_is_noticed_as_changed_data_is(
    storage: Storage, place: str, discs: Path, tmp_path: Path
) -> None:
    upload(discs, place)
    before = read_data(Path(place), tmp_path / "annotations")
    assert read_data(Path(place), tmp_path / "annotations").state == before.state
    store = Store(place)
    [name] = [each.name for each in store.objects() if each.name.endswith("train/0.png")]
    store.write(name, (discs / "train" / "1.png").read_bytes())
    storage.forget()
    assert read_data(Path(place), tmp_path / "annotations").state != before.state
    assert [path.rpartition("/")[2] for path in storage.fetched()] == ["0.png"]


def test_a_zip_at_an_address_is_read(
    storage: Storage, place: str, discs: Path, tmp_path: Path
) -> None:
    with ZipFile(tmp_path / "discs.zip", "w") as archive:
        for path in discs.rglob("*"):
            archive.write(path, path.relative_to(discs))
    Store(f"{place}.zip").write("", (tmp_path / "discs.zip").read_bytes())
    names = sorted(map(str, files_of(Path(f"{place}.zip")).names))
    assert names == sorted(map(str, files_of(discs).names))


def test_a_path_keeps_its_address() -> None:
    assert address_in(Path("s3://bucket/photos")) == "s3://bucket/photos"
    assert address_in(Path("file:///data/photos")) == "file:///data/photos"
    assert address_in(Path("data/photos")) is None
    assert address_in(Path("/data/s3:/photos")) is None


def test_a_file_address_is_read_where_it_lies(discs: Path) -> None:
    assert fetched_path(Path(f"file://{discs}")) == discs


def test_an_object_that_changes_while_it_is_fetched_is_no_mistake(
    storage: Storage, place: str
) -> None:
    store = Store(place)
    store.write("a.bin", b"old")

    def fault(method: str, path: str) -> None:
        if method == "GET" and path.endswith("a.bin"):
            storage.fault = lambda method, path: None
            with storage.direct():
                Store(place).write("a.bin", b"new")

    storage.fault = fault
    with pytest.raises(FetchError, match="the same command fetches what is there now"):
        fetched_path(Path(place))
    assert (fetched_path(Path(place)) / "a.bin").read_bytes() == b"new"


def test_what_storage_refuses_is_a_mistake_and_what_fails_is_not(
    storage: Storage, place: str
) -> None:
    with pytest.raises(UserError, match=f"The data is not there: {place} has no object"):
        fetched_path(Path(place))
    with pytest.raises(UserError, match="404 NoSuchBucket"):
        fetched_path(Path("s3://no-such-bucket/photos"))
    storage.fault = lambda method, path: Fault(status=503)
    with pytest.raises(FetchError, match="503"):
        fetched_path(Path(place))
