"""What was found so far: a line an image, from which a stopped command goes on."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.errors import PredictError
from serving.predict.models import Model
from serving.schemas.options import DetectOptions

_FILE = "predictions.jsonl"
_MADE = {"draw": 1, "crop": 2}


class Journal:
    """``predictions.jsonl``: a header that says what looked for objects and how, then records.

    A line is written when its image is done, so that the end of the process, however it comes,
    costs only the images in work. Of an image that was looked at again the last line counts.

    Args:
        folder: The results'.
        model: What looks for objects.
        options: What is reported.

    Raises:
        PredictError: It cannot be opened, another command writes it, or another model or other
            options wrote it.
        OSError: It cannot be written.
    """

    def __init__(self, folder: Path, model: Model, options: DetectOptions) -> None:
        self._path = folder / _FILE
        self._file = _opened(self._path)
        self._index: dict[int, int] = {}
        self._is_new = self._path.stat().st_size == 0
        self._has_records = False
        try:
            self._lock()
            self._end = self._read(_header(model, options))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and self._is_new and not self._has_records:
            self._path.unlink()  # other options may be tried then
        self._file.close()

    def find(self, name: str, stamp: str, place: str, made: Iterable[str]) -> int | None:
        """Where the line of an image is; None where it has to be looked at.

        Args:
            name: The image's.
            stamp: The image's.
            place: Its files'.
            made: What is to be there of its pixels.
        """
        found = self._index.get(_key(name, stamp, place))
        wanted = _bits(made)
        return None if found is None or found & wanted != wanted else found >> len(_MADE)

    def add(self, record: ImageRecord) -> int:
        """Writes the line of an image; returns where it is."""
        line = record.model_dump_json().encode() + b"\n"
        start = self._end
        self._file.write(line)
        self._file.flush()
        self._end += len(line)
        self._has_records = True
        return start

    def records(self, starts: Iterable[int]) -> Iterator[ImageRecord]:
        """Reads lines again, from where they are."""
        with self._path.open("rb") as file:
            for start in starts:
                file.seek(start)
                yield ImageRecord.model_validate_json(file.readline())

    def _lock(self) -> None:
        try:  # not by filelock, whose own file would lie beside the user's results
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PredictError(f"{self._path}: another umop predict is writing it") from None

    def _read(self, header: dict[str, Any]) -> int:
        """Reads what is there, and cuts a line off that was not finished; returns the length."""
        self._file.seek(0)
        end = self._start(header)
        for line in self._file:
            if (record := _record(line)) is None:
                break
            found = end << len(_MADE) | _bits(record.made)
            self._index[_key(record.name, record.stamp, record.place)] = found
            end += len(line)
        self._file.truncate(end)
        return end

    def _start(self, header: dict[str, Any]) -> int:
        """Checks the header, or writes it where there is none; returns its length."""
        line = self._file.readline()
        own = json.dumps(header, ensure_ascii=False).encode() + b"\n"
        if line != own and own.startswith(line):  # empty, or broken off in the first moment
            self._file.truncate(0)
            self._file.write(own)
            self._file.flush()
            return len(own)
        if (difference := _difference(line, header)) is not None:
            raise PredictError(
                f"{self._path} is of {difference}; name another --out, or delete that file"
            )
        return len(line)


def _opened(path: Path) -> BinaryIO:
    """Opens a journal, in a folder that is made for it.

    Raises:
        PredictError: It cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b")
    except (FileExistsError, NotADirectoryError):
        raise PredictError(f"{path.parent} is no folder") from None
    except OSError as error:
        reason = error.strerror or error
        raise PredictError(f"{path} cannot be written: {reason}; name another --out") from error


def _header(model: Model, options: DetectOptions) -> dict[str, Any]:
    manifest = model.manifest
    digest = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
    named = {"name": manifest.name, "version": manifest.version, "sha256": digest[:16]}
    return {
        "model": named,
        "options": {**options.model_dump(mode="json"), "engine": model.engine},
    }


def _difference(line: bytes, header: dict[str, Any]) -> str | None:
    """In words what another header says; None where it is the same."""
    try:
        found = json.loads(line)
        if found["model"] != header["model"]:
            return f"another model: {found['model']['name']} {found['model']['version']}"
        before, now = found["options"], header["options"]
        other = [
            f"{key} {before.get(key)}, not {now.get(key)}"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key)
        ]
        return f"other options ({'; '.join(other)})" if other else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return "something else"


def _record(line: bytes) -> ImageRecord | None:
    try:
        return ImageRecord.model_validate_json(line) if line.endswith(b"\n") else None
    except ValidationError:
        return None


def _key(name: str, stamp: str, place: str) -> int:
    """Eight bytes for each of millions."""
    text = "\0".join((name, stamp, place)).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _bits(made: Iterable[str]) -> int:
    return sum(_MADE[each] for each in made)
