"""The folder of the sockets by which a data loader's processes hand over images."""

from __future__ import annotations

import os
import tempfile
from multiprocessing.util import get_temp_dir

from umop.system.errors import UserError

LONGEST_FOLDER = 107 - len("/listener-12345678")
"""Bytes of its path: the kernel takes 107 for a socket's, and Python adds a name."""


def share_sockets() -> None:
    """Makes one folder for this process and all that it starts, which is removed as this one ends.

    Each would otherwise make its own, and leave it when it is killed, as a data loader's are.

    Raises:
        UserError: Its path is too long; training would wait for images for ever.
    """
    if len(os.fsencode(get_temp_dir())) > LONGEST_FOLDER:
        raise UserError(
            f"The path of the temporary folder {tempfile.gettempdir()} is too long for the sockets "
            "of data loading. Name a shorter one: TMPDIR=/tmp"
        )
