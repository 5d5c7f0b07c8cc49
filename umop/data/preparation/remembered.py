"""Remembers what was found out about files, until one of them changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from serving.shared import cache_folder
from umop.data.check.sources import digest_of_sources
from umop.system.files import write_cached


def files_digest(root: Path, names: Iterable[str]) -> str:
    """A digest of the names, sizes and times of files below a folder; none of them is opened."""
    digest = blake2b(digest_size=16)
    for name in sorted(names):
        try:
            status = (root / name).stat()
            line = f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
        except OSError:  # such as a link that points nowhere
            line = f"{name}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


class Remembered:
    """The last answer to a question about some files, kept in ``$UMOP_CACHE/checked``.

    Args:
        about: What the question is about. Each subject has one answer.
        question: All that the answer depends on, but for the code that finds it.
    """

    def __init__(self, about: str, question: list[Any]) -> None:
        name = blake2b(about.encode(errors="surrogateescape"), digest_size=8).hexdigest()
        self.path = cache_folder("checked") / f"{name}.json"
        self.question = [digest_of_sources(), *question]

    def answer(self) -> Any:
        """The answer; None where there is none to this very question."""
        try:
            content = json.loads(self.path.read_text())
            return content["answer"] if content["question"] == self.question else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, answer: Any) -> None:
        """Keeps the answer in place of the one before."""
        write_cached(self.path, json.dumps({"question": self.question, "answer": answer}))
