"""What a network computes, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

from serving.bundle.schema import Size
from umop.export.speed import operations
from umop.runs.speed import Speed
from umop.system.errors import UserError


class Deformable(nn.Module):
    """A deformable convolution whose points stay where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = DeformConv2d(3, 8, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        batch, _, height, width = image.shape
        found: Tensor = self.convolution(image, image.new_zeros(batch, 18, height, width))
        return found


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        # Each of 8 · 16 · 24 outputs is the sum of 27 products: a multiply-add is two operations.
        (nn.Conv2d(3, 8, 3, stride=2, padding=1), 2 * 27 * 8 * 16 * 24),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1)), 2 * 40 * 32 * 48),
        (Deformable(), 2 * 27 * 8 * 32 * 48),
    ],
)
def test_a_multiply_add_is_two_operations(module: nn.Module, expected: int) -> None:
    program = torch.export.export(module.eval(), (torch.zeros(1, 3, 32, 48),))
    assert operations(program, Size(width=48, height=32)) == expected


def test_a_record_is_read_again_and_another_file_refused(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    assert Speed.read(file) is None
    speed = Speed(12.5, 50, "a processor", 320, 256, 2.3, 3_000_000)
    speed.write(file)
    assert Speed.read(file) == speed
    file.write_text('{"milliseconds": 1}')
    with pytest.raises(UserError, match="is no record of this version"):
        Speed.read(file)
