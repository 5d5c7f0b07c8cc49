"""Where a data loader's processes have their sockets."""

from __future__ import annotations

import multiprocessing.connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from umop.distributed.sockets import LONGEST_FOLDER, share_sockets
from umop.system.errors import UserError


@pytest.mark.parametrize(("length", "fits"), [(LONGEST_FOLDER, True), (LONGEST_FOLDER + 1, False)])
def test_a_folder_with_too_long_a_path_is_refused(
    monkeypatch: pytest.MonkeyPatch, length: int, fits: bool
) -> None:
    with TemporaryDirectory(dir="/tmp") as parent:
        folder = Path(f"{parent}/".ljust(length, "x"))
        folder.mkdir()
        monkeypatch.setattr(multiprocessing.current_process(), "_config", {"tempdir": str(folder)})
        if fits:
            share_sockets()
            multiprocessing.connection.Listener(family="AF_UNIX").close()
        else:
            with pytest.raises(UserError, match="TMPDIR=/tmp"):
                share_sockets()
            with pytest.raises(OSError, match="too long"):
                multiprocessing.connection.Listener(family="AF_UNIX")
