"""docs/configuration.md says what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import mmdet.registry
import mmengine.registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ON_OTHER_PAGES = {
    *("FusedLayerNorm", "fused_adam"),
    "Bf16OptimWrapper",  # --amp chooses it
    *("EachWindow", "RandomWindow", "TiledDataset", "TiledTestLoop", "TiledValLoop"),  # --tiles
    *("ScalarsToMlflow", "ScalarsToTensorboard", "ScalarsToWandb"),
}


def test_the_page_is_what_the_code_says() -> None:
    generate = runpy.run_path(str(DOCS / "generate" / "configuration.py"))
    assert (DOCS / "configuration.md").read_text("utf-8") == generate["page"](), "run: make docs"
    assert set(generate["read_by_code"]()) == set(generate["TOP_LEVEL"])


def test_a_default_is_what_it_is_and_no_name_of_it() -> None:
    generate = runpy.run_path(str(DOCS / "generate" / "configuration.py"))
    defaults = [default for _, default, _ in (*generate["settings"](), *generate["top_level"]())]
    assert [each for each in defaults if each.startswith("_")] == []


def test_every_class_of_ours_that_a_config_can_name_is_on_the_page() -> None:
    generate = runpy.run_path(str(DOCS / "generate" / "configuration.py"))
    listed = {each.__name__ for classes in generate["CLASSES"].values() for each in classes}
    registered = {
        each.__name__
        for module in (mmdet.registry, mmengine.registry)
        for registry in vars(module).values()
        if isinstance(registry, mmengine.registry.Registry)
        for each in registry.module_dict.values()
        if each.__module__.startswith("umop.")
    }
    assert "PatienceHook" in registered
    assert registered - ON_OTHER_PAGES == listed


def test_every_variable_is_on_the_page() -> None:
    sources = [path for name in ("umop", "serving") for path in (ROOT / name).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"\bUMOP_[A-Z_]+", path.read_text())}
    page = (DOCS / "configuration.md").read_text("utf-8")
    assert {"UMOP_KEY", "UMOP_CACHE"} <= read
    assert read - {"UMOP_"} - set(re.findall(r"`(UMOP_[A-Z_]+)`", page)) == set()
