"""The trainings of own_data.py, and the file that keeps what was measured of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

RESULTS = "results.jsonl"
NAME_OF_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,85}")
"""What a run's name may begin with, so that there is room for the variant and the seed."""


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        data: Name of the data set's folder.
        config: What is trained.
        variant: What is asked of it.
        seed: Of its randomness.
    """

    data: str
    config: str
    variant: str
    seed: int

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """The trial that a row of the results is of."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @property
    def asked(self) -> str:
        """What is trained and how, as the tables name it."""
        return f"{self.config} {self.variant}".strip()

    @property
    def run(self) -> str:
        """The name of its run, with a digest where names of runs do not take the set's."""
        what = f"{self.data}-{self.config}"
        if not NAME_OF_RUN.fullmatch(what):
            what = f"{re.sub('[^A-Za-z0-9]+', '-', what)[:60]}-{digest(what)}".lstrip("-")
        return f"{what}-{digest(self.variant)}-{self.seed}"


def known_rows(results: Path, folders: dict[str, Path]) -> dict[Trial, dict[str, Any]]:
    """The rows that are in the results.

    Rows of before folders were kept are taken as those of the set of their name.

    Raises:
        ValueError: A row is of another folder than the set of its name.
    """
    rows = {Trial.of(row): row for row in read_lines(results)}
    for trial, row in rows.items():
        folder = str(folders.get(trial.data, ""))
        if folder and row.get("folder", folder) != folder:
            raise ValueError(
                f"{results} has {trial.data} from {row['folder']}, not from {folder}. Rename the "
                "folder, or choose another --out."
            )
    return rows


def digest(text: str) -> str:
    """Eight digits that tell a text from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; none where there is no file.

    Raises:
        ValueError: A line is no JSON, as one whose writing was stopped.
    """
    lines = path.read_text().splitlines() if path.is_file() else []
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise ValueError(f"{path} has a line that is no JSON: {error}. Delete it.") from error


def append(path: Path, line: dict[str, Any]) -> None:
    """Writes a line, which is not lost when what comes next is stopped."""
    with path.open("a") as lines:
        lines.write(json.dumps(line) + "\n")
