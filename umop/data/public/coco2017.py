"""The COCO 2017 data set: 25 GB of images and boxes (https://cocodataset.org)."""

from __future__ import annotations

import shutil
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from rich.console import Console
from rich.progress import track

from umop.system.download import download_file
from umop.system.errors import UserError

_HOST = "http://images.cocodataset.org"
COCO_ARCHIVES = {
    "annotations": (
        "annotations/annotations_trainval2017.zip",
        "md5:f4bbac642086de4f52a3fdda2de5fa2c",
    ),
    "val2017": ("zips/val2017.zip", "md5:442b8da7639aecaf257c1dceb8ba8c80"),
    "train2017": ("zips/train2017.zip", "md5:cced6f7f71b7629ddf16f17bbcfab6b2"),
}
"""For each folder of the data set, its archive and that archive's checksum.

COCO publishes no checksums; many independent data loaders agree on these.
"""


def fetch_coco(folder: Path, host: str = _HOST) -> None:
    """Downloads and unpacks what is not there yet; the archives are deleted.

    Args:
        folder: Where ``annotations``, ``train2017`` and ``val2017`` go.
        host: The server, for a mirror.

    Raises:
        UserError: A download failed.
    """
    for part, (path, checksum) in COCO_ARCHIVES.items():
        if (folder / part).is_dir():
            continue
        archive = folder / Path(path).name
        download_file(f"{host}/{path}", archive, checksum)
        _unpack(archive, part, folder)
        archive.unlink()


def _unpack(archive: Path, part: str, folder: Path) -> None:
    """Unpacks one folder of an archive, so that it appears only when it is whole.

    Raises:
        UserError: The archive is broken.
    """
    scratch = folder / f".{part}"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with ZipFile(archive) as content:
            for member in track(
                content.infolist(), f"{archive.name}: unpacking", console=Console(stderr=True)
            ):
                content.extract(member, scratch)
    except BadZipFile as error:
        raise UserError(f"{archive} is broken ({error}). Delete it and run this again.") from error
    (scratch / part).rename(folder / part)
    shutil.rmtree(scratch)
