"""What a process hands to the ranks that it starts, and they to it: files in a folder of its own.

They are pickled, for nobody else can write there.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ORDER = "order.pickle"


def write_order(folder: Path, order: object) -> None:
    """Writes what the ranks are to do."""
    (folder / ORDER).write_bytes(pickle.dumps(order))


def read_order(file: Path) -> Any:
    """What a rank is to do."""
    return pickle.loads(file.read_bytes())


@dataclass(frozen=True)
class Reasons:
    """Why ranks ended.

    Attributes:
        folder: That of the order.
    """

    folder: Path

    def write(self, rank: int, error: BaseException) -> None:
        """Says why a rank ends, by its number."""
        (self.folder / f"reason-{rank:06}.pickle").write_bytes(pickle.dumps(error))

    def first(self, kind: type[BaseException] = BaseException) -> BaseException | None:
        """What the first rank said that says something, of one kind; None where none does."""
        files = sorted(self.folder.glob("reason-*.pickle"))
        said = (pickle.loads(file.read_bytes()) for file in files)
        return next((error for error in said if isinstance(error, kind) and str(error)), None)
