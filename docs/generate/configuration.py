"""Writes docs/configuration.md from the code: ``make docs``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from serving.settings import Settings
from umop.data.pipeline.collage import Collage
from umop.data.pipeline.mixing import MixedCocoDataset, OccasionalMixUp
from umop.data.pipeline.transforms import LoadImage, StretchedResize
from umop.engine.hooks import (
    EstimateHook,
    FiniteLossHook,
    FocusingHook,
    MetricsHook,
    PatienceHook,
    ProgressHook,
    SafeCheckpointHook,
    TimeBudgetHook,
)
from umop.evaluation import CocoBoxMetric
from umop.losses import (
    ProgressiveFocalLoss,
    ProgressiveQualityFocalLoss,
    ProgressiveVarifocalLoss,
)
from umop.models import ScheduledTOODHead, TimmBackbone
from umop.models.per_level_heads import (
    DoublePAAHead,
    PerLevelFCOSHead,
    PerLevelPAAHead,
    PerLevelVFNetHead,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"
TOP_LEVEL = {
    "auto_schedule": "`epochs` passes over the images, from `min_iters` to `max_iters` steps, as "
    "long as `train_cfg.max_iters` is `base_iters`; another number there is taken as it is. "
    "A config that counts epochs has `base_epochs`, and follows `--data` alone.",
    "auto_size": "Scale images so that the median box has `min_box` pixels, to `max_size`, "
    "as long as their size is `base_size`; another size, or `--size`, is taken as it is.",
    "auto_weights": "What training on `--data` starts from unless `--weights` says otherwise; it "
    "takes what `--weights` does.",
    "channels_last": "Train in the memory format channels_last, faster on CPUs and tensor cores.",
    "data_hint": "What the error says to do when the data is missing.",
    "find_unused_parameters": "For distributed training of models with unused parameters.",
    "tiles": "Cut images into windows of `window` pixels that share `overlap`; `--tiles` takes "
    "precedence.",
    "needs_gpu": "Refuse to train without a GPU unless `--device cpu` is given.",
}
CLASSES: dict[str, tuple[type, ...]] = {
    "Losses": (ProgressiveFocalLoss, ProgressiveQualityFocalLoss, ProgressiveVarifocalLoss),
    "Backbones": (TimmBackbone,),
    "Heads": (
        PerLevelFCOSHead,
        PerLevelVFNetHead,
        DoublePAAHead,
        PerLevelPAAHead,
        ScheduledTOODHead,
    ),
    "Data and evaluation": (
        LoadImage,
        StretchedResize,
        MixedCocoDataset,
        Collage,
        OccasionalMixUp,
        CocoBoxMetric,
    ),
    "Hooks": (
        SafeCheckpointHook,
        FiniteLossHook,
        FocusingHook,
        MetricsHook,
        ProgressHook,
        EstimateHook,
        TimeBudgetHook,
        PatienceHook,
    ),
}
START = """\
# Configuration

This page lists the settings of the service and of training. `make docs` generates it from the code.

## The service

Each setting is an environment variable and, except API keys, an option of `umop-serve`:
`UMOP_MAX_QUEUE=8` is `--max-queue 8`. An option takes precedence over its variable. Lists are
separated by commas.

| variable | default | what it does |
|---|---|---|
"""
TRAINING = """
## Other commands

Other commands read these variables:

| variable | default | what it does |
|---|---|---|
| `UMOP_KEY` | none | The API key that `umop predict` sends to a service. |
| `UMOP_URL` | `http://127.0.0.1:8000` | The service of `umop-serve detect`. |
| `UMOP_TORCHSERVE_HOST` | `127.0.0.1` | Address for inference and metrics of TorchServe. |

`umop-serve torchserve` also reads `UMOP_BUNDLE`, `UMOP_REMOTE_MODEL`, `UMOP_VERIFY_KEY`,
`UMOP_TRUST_PROGRAM`, `UMOP_REDUCED_DECODING`, `UMOP_MAX_BODY_BYTES` and `UMOP_MAX_PIXELS`.
`umop predict` also reads `UMOP_VERIFY_KEY`.

## Training

Training reads these variables ([object storage](storage.md) has the last three at work):

| variable | default | what it does |
|---|---|---|
| `UMOP_CACHE` | `~/.cache/umop` | Folder for weights, mmcv's wheel, and what came from addresses. |
| `UMOP_MIRROR` | none | The address of `umop train --mirror`. |
| `UMOP_MIRROR_LEASE` | `60` | Seconds without a sign of life after which a job counts as gone. |

Configs are mmengine's. The tables below list the fields that this project adds. mmengine and mmdet
describe the others.

### At the top level

These fields stand at the top level of a config:

| field | default | what it does |
|---|---|---|
"""


def page() -> str:
    """The content of the page."""
    parts = [START, *map(row, settings()), TRAINING, *map(row, top_level())]
    for title, classes in CLASSES.items():
        parts.append(f"\n### {title}\n")
        shown: dict[str, list[tuple[str, str, str]]] = {}
        for each in classes:
            rows = list(arguments(each))
            same = next((name for name, others in shown.items() if others == rows), None)
            text = f'`type="{each.__name__}"`: {summary(each)}'
            if rows and same:
                text += f" Its fields are those of `{same}`."
            parts.append(f"\n{fill(text, 110, break_on_hyphens=False)}\n")
            if rows and not same:
                parts += ["\n| field | default | what it does |\n|---|---|---|\n", *map(row, rows)]
                shown[each.__name__] = rows
    return "".join(parts)


def row(cells: tuple[str, str, str]) -> str:
    """One row of a table: a name, its default and its description."""
    name, default, meaning = cells
    shown = default if default in ("none", "required") else f"`{default}`"
    return f"| `{name}` | {shown} | {meaning} |\n"


def settings() -> Iterator[tuple[str, str, str]]:
    """The service's settings."""
    for name, field in Settings.model_fields.items():
        default = "none" if field.default in (None, (), "") else str(field.default)
        default = default.lower() if isinstance(field.default, bool) else default
        yield f"UMOP_{name.upper()}", default, field.description or ""


def top_level() -> Iterator[tuple[str, str, str]]:
    """The fields that the training code reads from a config itself."""
    for name, default in sorted(read_by_code().items()):
        yield name, default, TOP_LEVEL[name]


def read_by_code() -> dict[str, str]:
    """Names and defaults of the fields that ``umop`` asks a config for."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "umop").rglob("*.py"))
    pattern = r"(?<!\w)(?:self\.cfg|config)\.get\(\s*\"(\w+)\", (\"[^\"]*\"|\w+)\s*\)"
    return {name: default.strip('"') for name, default in re.findall(pattern, source)}


def summary(each: type) -> str:
    """The first line of a class's docstring."""
    return plain((inspect.getdoc(each) or "").splitlines()[0])


def plain(text: str) -> str:
    """A docstring's text as Markdown, on one line."""
    return re.sub(r":class:`(\w+)`", r"`\1`", " ".join(text.split()).replace("``", "`"))


def arguments(each: type) -> Iterator[tuple[str, str, str]]:
    """A class's own arguments, with what its docstring, or its base's, says of them."""
    meanings = {
        name: meaning
        for base in reversed(each.__mro__)
        if base.__module__.startswith("umop.")
        for name, meaning in described(inspect.getdoc(base) or "").items()
    }
    for name, parameter in inspect.signature(each).parameters.items():
        if name in meanings:
            is_required = parameter.default is parameter.empty
            yield name, "required" if is_required else repr(parameter.default), meanings[name]


def described(docstring: str) -> dict[str, str]:
    """The section ``Args`` of a Google-style docstring."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", docstring, re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", section[1] if section else "", re.M)
    return {name: plain(meaning) for name, meaning in entries}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
