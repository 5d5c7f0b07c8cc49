"""Which image an annotation of Pascal VOC is of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import pair
from umop.data.recognition import open_data


@pytest.mark.parametrize("folder", ["", "set/"])
@pytest.mark.parametrize("meant", ["jpg", "png"])
def test_of_an_image_and_its_mask_the_named_one_is_taken(
    tmp_path: Path, folder: str, meant: str
) -> None:
    for stem in ("car1", "car2"):
        for suffix in ("jpg", "png"):
            pair(tmp_path, f"{folder}{stem}.{suffix}", None)
        content = voc_xml(("cat", (8, 6, 24, 30)))
        named = content.replace("<size>", f"<filename>{stem}.{meant}</filename><size>")
        write(tmp_path / folder / f"{stem}.xml", named)
    names = [image.path.name for image in open_data(tmp_path).images]
    assert names == [f"car1.{meant}", f"car2.{meant}"]
