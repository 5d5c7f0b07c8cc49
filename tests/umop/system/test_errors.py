"""What a user reads of an error."""

from __future__ import annotations

import pytest
from torch.utils.data import DataLoader, Dataset

from umop.system.errors import UserError


class Unreadable(Dataset[int]):
    """Images that cannot be read."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        try:
            raise OSError("truncated")
        except OSError as error:
            raise UserError("a.png cannot be read.\nReplace it: see 'error: x'.") from error


@pytest.mark.parametrize("workers", [0, 1])
def test_the_message_of_a_data_loaders_process_arrives_whole(workers: int) -> None:
    with pytest.raises(UserError) as raised:
        next(iter(DataLoader(Unreadable(), num_workers=workers)))
    assert raised.value.summary() == "a.png cannot be read.\nReplace it: see 'error: x'."
