"""How fast a run's bundle is, and how large its network."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from umop.system.errors import UserError
from umop.system.files import replace_text


@dataclass(frozen=True)
class Speed:
    """The content of ``speed.json``.

    Attributes:
        milliseconds: Median time for one image: scaled, through the network, selected; its
            decoding is left out.
        images: How many were timed.
        machine: What they were timed on.
        width: Of the network's input for these images, in pixels, that of most of them.
        height: The same.
        gflops: Billions of operations for such an input, a multiply-add counted as two.
        parameters: Of the network.
    """

    milliseconds: float
    images: int
    machine: str
    width: int
    height: int
    gflops: float
    parameters: int

    @classmethod
    def read(cls, path: Path) -> Speed | None:
        """Reads a record; None where there is none.

        Raises:
            UserError: The file is something else.
        """
        if not path.is_file():
            return None
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is no record of this version. Delete it.") from error

    def write(self, path: Path) -> None:
        """Writes the record as JSON."""
        replace_text(path, json.dumps(asdict(self), indent=2) + "\n")
