"""``import umop``: quick, complete, and enough to predict without training code."""

from __future__ import annotations

import builtins
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import umop
from serving.inference.decoding import ImageTooLargeError
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle

PREDICT = """
import sys

BLOCKED = {"mmdet", "mmcv", "mmengine", "torch", "torchvision"}


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"prediction must not import {name}")


sys.meta_path.insert(0, Block())

import umop

model = umop.Detector.load(sys.argv[1])
print(*model.predict(sys.stdin.buffer.read(), score_threshold=0.95).labels)
"""


def python(program: str, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], input=stdin, capture_output=True, timeout=200
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_importing_umop_imports_nothing_else() -> None:
    before = "import sys; before = set(sys.modules); import umop; "
    loaded = python(f"{before}print(*sorted(set(sys.modules) - before))").split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names == {"umop"}


def test_every_name_is_there_and_listed() -> None:
    assert set(umop.__all__) <= set(dir(umop))
    for name in umop.__all__:
        assert getattr(umop, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'umop' has no attribute 'trian'"):
        _ = umop.trian  # type: ignore[attr-defined]


def members() -> Iterator[tuple[str, Any]]:
    """What a user can name: each name at the door, and the public members of its classes."""
    for name in umop.__all__:
        public = getattr(umop, name)
        yield name, public
        for part, member in inspect.getmembers(public) if inspect.isclass(public) else ():
            ours = getattr(member, "fget", member)
            module = getattr(ours, "__module__", None) or ""
            if not part.startswith("_") and module.startswith(("umop", "serving")):
                yield f"{name}.{part}", member


def test_help_knows_every_name() -> None:
    documented = {name: inspect.getdoc(member) for name, member in members()}
    assert len(documented) > 50
    assert [name for name, text in documented.items() if not text] == []


def test_the_page_of_the_api_has_every_name() -> None:
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
    assert sorted(re.findall(r"heading: umop\.(\w+)", page)) == sorted(umop.__all__)


def test_what_is_raised_can_be_caught_by_a_name_at_the_door() -> None:
    raised = {
        error
        for _, member in members()
        for section in re.findall(r"Raises:\n((?: +.+\n?)+)", inspect.getdoc(member) or "")
        for error in re.findall(r"^ {4}(\w+): ", section, re.MULTILINE)
    }
    assert len(raised) > 8
    assert raised - set(umop.__all__) - set(dir(builtins)) - {"ImageTooLargeError"} == set()
    assert issubclass(ImageTooLargeError, umop.ImageError)


def test_what_is_returned_has_a_name_at_the_door() -> None:
    returned = {"Comparison": umop.Run.compare, "Evaluation": umop.Run.evaluate, "Run": umop.train}
    for name, function in returned.items():
        assert inspect.signature(function).return_annotation == name
        assert name in umop.__all__


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: umop.Run(None), umop.UserError, "folder must be a path, not None."),
        (lambda: umop.Run.named(3), umop.UserError, "name must be text, not 3."),
        (
            lambda: umop.Run("runs/a").compare(None),
            umop.UserError,
            "other must be a run, such as umop.Run.named('cells-2'), not None.",
        ),
        (
            lambda: umop.Run("runs/a").export(sample=[3]),
            umop.UserError,
            "sample must be a path or a list of paths, not [3].",
        ),
        (
            lambda: umop.Detector.load(3),
            umop.BundleError,
            "a bundle is the path of a folder or zip, an address or a run, not int",
        ),
    ],
)
def test_what_is_not_taken_is_answered_with_what_is(
    ask: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ask()


def test_a_detector_says_what_it_is_and_what_it_takes(tmp_path: Path) -> None:
    model = umop.Detector.load(make_bundle(tmp_path / "squares.bundle"))
    assert repr(model) == "<Detector: squares 1, 3 classes>"
    taken = "must be a path, an encoded image, a Pillow image or RGB pixels, or several of these"
    for source in (3, None, {}):
        with pytest.raises(umop.ImageError, match=f"^image: {taken}, not {type(source).__name__}$"):
            model.predict(source)


def test_prediction_needs_the_serving_half_only(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "squares.bundle")
    assert python(PREDICT, str(bundle), stdin=encode(TWO_SQUARES)) == "red blue"
