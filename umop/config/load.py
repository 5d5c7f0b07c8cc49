"""Reads a config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from umop.config.check import check_config
from umop.config.files import config_path
from umop.config.overrides import Assignment, check_kind, override
from umop.config.settings import config_variables, require_used, where_used, without_variables
from umop.config.source import ConfigSource
from umop.system.errors import UserError

_OUR_MODULES = (
    "umop.data.pipeline.mixing",
    "umop.data.pipeline.transforms",
    "umop.data.pipeline.windows",
    "umop.evaluation",
    "umop.evaluation.windows",
    "umop.engine.hooks",
    "umop.losses",
    "umop.models",
    "umop.weights.pretrained",
)
"""What registers our types; it is imported before the modules of a user's ``custom_imports``."""
_SPLITS = ("train", "val", "test")
_KEPT = ("runs", "<name>", "annotations", "<split>.json")
"""Where training keeps the labels of the user's data, from the folder that it was started in."""


def load_config(name: str, assignments: Sequence[str] = ()) -> Config:
    """Reads a config, and checks that each of its keys is known.

    Args:
        name: A name such as ``r50``, or the path of a config file of the user's own.
        assignments: Changes such as ``optim_wrapper.optimizer.lr=0.001``, or of a variable of the
            file such as ``iterations=500``; values are Python literals, and text where they are
            not.

    Returns:
        The settings; the variables that the files put into them are left out.

    Raises:
        UserError: There is no such config, a file cannot be read, a key is unknown, or a value is
            of the wrong type or out of range. The message is one line.
    """
    import_modules_from_strings(list(_OUR_MODULES))
    path = config_path(name)
    source = ConfigSource.read(path)
    require_used(source)
    parsed = [Assignment.parse(text) for text in assignments]
    ours = config_variables(source)
    of_variables = [one for one in parsed if one.keys[0] in ours]
    config = _evaluate(source, {})
    if of_variables:
        values = {one.name: _value_for(config, one) for one in of_variables}
        config = _evaluate(ConfigSource.read(path), values)
    override(config, [one for one in parsed if one not in of_variables])
    config = without_variables(config)
    _import_modules(config)
    check_config(config)
    return config


def read_written(path: Path) -> Config:
    """Reads the config of a run, without the modules that training needs.

    Raises:
        UserError: Somebody has broken it.
    """
    config = _read(path, path, imports=False)
    _find_annotations(config, path.parent)
    return config


def load_written(path: Path) -> Config:
    """Reads the config of a run, also one that another version of umop has written.

    Args:
        path: The run's ``config.py``; its names of umop's own modules and types are of that time.

    Raises:
        UserError: Somebody has broken it.
    """
    with TemporaryDirectory() as folder:
        today = Path(folder) / path.name
        today.write_text(path.read_text().replace("'LoadPicture'", "'LoadImage'"))
        config = _read(today, path, imports=False)
    if missing := [name for name in ("model", "test_dataloader") if name not in config]:
        raise UserError(f"{path} is damaged: it has no {missing[0]}.")
    _find_annotations(config, path.parent)
    imports = config.get("custom_imports") or {}
    theirs = [name for name in imports.get("imports") or [] if not name.startswith("umop.")]
    config.custom_imports = {**imports, "imports": theirs}
    _import_modules(config)
    return config


def _find_annotations(config: Config, run: Path) -> None:
    """Names annotations that a run keeps by where its folder is now, and from here.

    They were written as ``runs/<name>/annotations/val.json``; the folder may have another name
    since, and a folder of the old name may be another run's.
    """
    datasets = [config.get(f"{split}_dataloader", {}).get("dataset") for split in _SPLITS]
    own = [each for each in datasets if each and each.get("data_root") == ""]
    for place in (*own, *(config.get(f"{split}_evaluator") for split in _SPLITS)):
        named = Path(place.get("ann_file") or "").parts if isinstance(place, dict) else ()
        if len(named) == len(_KEPT) and (named[0], named[2]) == (_KEPT[0], _KEPT[2]):
            place["ann_file"] = str(run.joinpath(*named[2:]))


def _import_modules(config: Config) -> None:
    """Imports what registers the types of a config: our modules, then those that it lists.

    Raises:
        UserError: One of them cannot be imported.
    """
    try:
        _list_our_modules(config)
        import_modules_from_strings(**config.custom_imports)
    except Exception as error:  # a module of the user's can fail in any way
        raise UserError(f"custom_imports: {type(error).__name__}: {error}") from error


def _list_our_modules(config: Config) -> None:
    """Adds our modules to those that a config lists, for whoever reads the run's config."""
    imports = config.get("custom_imports") or {}
    theirs = imports.get("imports") or []
    theirs = [theirs] if isinstance(theirs, str) else theirs
    modules = [*_OUR_MODULES, *(name for name in theirs if name not in _OUR_MODULES)]
    config.custom_imports = {**imports, "imports": modules}


def _evaluate(source: ConfigSource, values: dict[str, object]) -> Config:
    """Evaluates a config's files.

    Raises:
        UserError: One of them fails.
    """
    with TemporaryDirectory() as folder:
        return _read(source.write(Path(folder), values), source.path, imports=True)


def _read(path: Path, named: Path, imports: bool) -> Config:
    """Reads a file.

    Args:
        path: The file.
        named: What an error calls it.
        imports: Whether the modules that it lists are imported.

    Raises:
        UserError: It fails.
    """
    try:
        return Config.fromfile(path, import_custom_modules=imports)
    except Exception as error:  # a config is a program: it can fail in any way
        reason = " ".join(str(error).split())
        raise UserError(
            f"{named} cannot be read as a config: {type(error).__name__}: {reason}"
        ) from error


def _value_for(config: Config, assignment: Assignment) -> object:
    """The value that the command line gives to a variable of a file.

    Raises:
        UserError: It is of another type than the file's, or is to change a part of it.
    """
    variable, *part = assignment.keys
    if part:
        used = where_used(config, variable)
        instead = f" Set {used}.{'.'.join(part)} instead." if used else ""
        raise UserError(
            f"--set {assignment.name}: '{variable}' is a variable of the config's file, and only "
            f"a whole variable can be set.{instead}"
        )
    return check_kind(assignment, config[variable])
