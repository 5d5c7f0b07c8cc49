"""Reads one folder or several as one data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from umop.data.check import Report, check
from umop.data.check.joined import join
from umop.data.files.tree import Files
from umop.data.preparation.split import with_splits
from umop.data.recognition import files_of, read_files
from umop.system.errors import UserError


def all_files(paths: Sequence[Path]) -> list[Files]:
    """The files of each folder or zip.

    Raises:
        UserError: One is not there, or is given twice.
    """
    if len(paths) == 1:
        return [files_of(paths[0])]
    found: dict[Path, Files] = {}
    for path in paths:
        root = files_of(path).root.resolve()
        if root in found:
            raise UserError(f"{path} is given twice.")
        found[root] = Files(root)
    return list(found.values())


def check_each(
    paths: Sequence[Path], files: Sequence[Files], everything: bool = False
) -> list[Report]:
    """Reads and checks each folder by itself.

    Args:
        paths: What the user calls them.
        files: The files of each, as :func:`all_files` gives them.
        everything: Whether to repair also what training leaves as it is.

    Raises:
        UserError: One is in no layout that is known.
    """
    sets = [read_files(path, each) for path, each in zip(paths, files, strict=True)]
    return [check(data, everything) for data in sets]


def joined_report(reports: Sequence[Report], everything: bool = False) -> Report:
    """The report on all folders as one data set; each of several is split by itself before."""
    if len(reports) == 1:
        return reports[0]
    split = [replace(each, cleaned=with_splits(each.cleaned, each.records)) for each in reports]
    return join(split, everything)


def is_split_here(reports: Sequence[Report]) -> bool:
    """Whether a folder does not say itself which images are for validation."""
    return any(not {"val", "test"} & set(each.cleaned.splits()) for each in reports)
