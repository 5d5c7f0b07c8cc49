"""YOLO: a text file for each image, a line for each box, in parts of the image's sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from umop.data.dataset import SPLITS, Builder, DataSet, Image
from umop.data.layouts.files import Files, base, read_text, split_in, split_of, stem
from umop.system.console import counted

NAME = "YOLO"
LOOKS_FOR = "YOLO (a data.yaml, or images with labels/*.txt)"
CLASS_FILES = ("classes.txt", "obj.names", "classes.names", "labels.txt", "_darknet.labels")
BOX_VALUES = 5
FEWEST_POLYGON_VALUES = 7


def find(files: Files) -> list[Path]:
    """The YAML file that describes the data, or else the label files."""
    described = [path for path in files.matching(".yaml", ".yml") if "names" in read_yaml(path)]
    return described or label_files(files)


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of a YAML file; nothing where it is no dictionary."""
    try:
        content = parse_yaml(path)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def parse_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ValueError: It is not YAML, or holds more than plain values.
    """
    try:
        return yaml.safe_load(read_text(path))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"line {line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def label_files(files: Files) -> list[Path]:
    """The text files that stand for an image."""
    return [
        path
        for path in files.matching(".txt")
        if stem(path.name).casefold() in files.by_stem or "labels" in path.parts
        if path.name not in CLASS_FILES
    ]


def is_label_file(path: Path) -> bool:
    """Whether a text file's first line is a class with numbers."""
    values = read_text(path).partition("\n")[0].split()
    try:
        return len([float(value) for value in values]) >= BOX_VALUES
    except ValueError:
        return False


def read(files: Files) -> DataSet:
    """Reads the images, each with its label file; one without is an image without boxes."""
    return YoloReader(files).read()


class YoloReader:
    """Reads one data set.

    Args:
        files: Its files.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.builder = Builder(files.root)
        self.description = next(
            (path for path in find(files) if path.suffix.casefold() != ".txt"), None
        )
        self.content = read_yaml(self.description) if self.description else {}
        self.labels = unique_labels(files)
        self.names = self.class_names()
        self.keypoint_values = self.count_keypoint_values()

    def read(self) -> DataSet:
        if self.description is None:
            self.refuse_broken_yaml()
        self.declare_classes()
        seen: set[tuple[Path, str | None]] = set()
        for path, split in self.images():
            if (path, split) in seen:
                self.note("listed-twice", f"{path.name} is listed twice")
                continue
            seen.add((path, split))
            self.read_image(path, split)
        if self.names is None:
            self.builder.sort_classes()
        self.compare_count()
        self.refuse_labels_alone()
        return self.builder.build(NAME, "line", relative=True)

    def refuse_broken_yaml(self) -> None:
        """Notes a YAML file that cannot be read, which may be the one with the classes' names."""
        for path in self.files.matching(".yaml", ".yml"):
            try:
                parse_yaml(path)
            except ValueError as error:
                self.builder.problem("annotations-unreadable", path, f"not plain YAML: {error}")

    def refuse_labels_alone(self) -> None:
        """Notes label files without an image."""
        used = {image.source for image in self.builder.images}
        stems = {path.stem.casefold() for path in self.files.images()}
        for path in label_files(self.files):
            if path not in used and path.stem.casefold() not in stems and is_label_file(path):
                text = "there is no image of this name"
                self.builder.problem("box-of-no-image", path, text)

    def declare_classes(self) -> None:
        """Gives the classes their labels, in the order of their numbers."""
        seen: dict[str, int] = {}
        for number, name in (self.names or {}).items():
            if name in seen:
                text = f"classes {seen[name]} and {number} are both '{name}'"
                self.note("category-twice", text)
            seen.setdefault(name, number)
            self.builder.label(name)

    def compare_count(self) -> None:
        """Notes a number of classes, ``nc``, that is not that of their names."""
        count = self.content.get("nc")
        if count is not None and self.names is not None and count != len(self.names):
            text = f"nc is {count!r}, and names has {counted(len(self.names), 'class')}: correct nc"
            self.note("category-count", text)

    def class_names(self) -> dict[int, str] | None:
        """The names of the classes by their numbers; None where no file has them."""
        names = self.content.get("names")
        if isinstance(names, dict):
            return self.numbered(names)
        if isinstance(names, list):
            return {number: self.name(number, name) for number, name in enumerate(names)}
        found = (path for path in self.files.matching(".txt", ".names", ".labels"))
        listed = next((path for path in found if path.name.casefold() in CLASS_FILES), None)
        if listed is None:
            return None
        lines = (line.strip() for line in read_text(listed).splitlines() if line.strip())
        return dict(enumerate(lines))

    def numbered(self, names: dict[Any, Any]) -> dict[int, str]:
        """The names that a YAML file gives by number, which need not be without gaps."""
        found = {}
        for key, name in names.items():
            try:
                found[int(key)] = self.name(int(key), name)
            except (TypeError, ValueError):
                text = f"names: {key!r} is no number of a class"
                self.note("annotations-unreadable", text)
        return dict(sorted(found.items()))

    def name(self, number: int, written: object) -> str:
        """The name of a class; YAML reads an unquoted ``no``, ``off`` or ``null`` as no text."""
        if written is None or isinstance(written, bool):
            text = f"names: YAML reads that of class {number} as {written}: put it in quotes"
            self.note("annotations-unreadable", text)
        return str(written)

    def count_keypoint_values(self) -> int:
        """How many numbers of a line are keypoints."""
        match self.content.get("kpt_shape"):
            case None:
                return 0
            case [int(points), int(values)]:
                return points * values
            case other:
                text = f"kpt_shape is {other!r}, not two numbers such as [17, 3]"
                self.note("annotations-unreadable", text)
                return 0

    def images(self) -> Iterator[tuple[Path, str | None]]:
        """The images, each with its split."""
        described = {split: self.content.get(split) for split in SPLITS}
        if not any(described.values()):
            yield from ((path, split_of(path, self.files.root)) for path in self.files.images())
            return
        for split, places in described.items():
            for place in places if isinstance(places, list) else [places] if places else []:
                if split == "test" and self.place(str(place)) is None:
                    continue  # exporters name one whether it exists or not
                for path in self.images_of(str(place), split):
                    yield path, split

    def images_of(self, place: str, split: str) -> Iterable[Path]:
        """The images of a folder or of a list, as the YAML file writes its name."""
        found = self.place(place)
        if found is None:
            instead = ". Without the line, a fifth of train is taken" if split == "val" else ""
            self.note("annotations-unreadable", f"{place} is not there{instead}")
            return []
        if found.is_dir():
            inside = self.files.images(found)
            return inside or Files(found).images()
        return [self.listed(line) for line in read_text(found).splitlines() if line.strip()]

    def place(self, written: str) -> Path | None:
        """A folder or file that the YAML file names.

        A path from elsewhere is searched here by its end, of which the name of a split is a part:
        ``../train/images`` is not ``images``.
        """
        assert self.description is not None
        here = self.description.parent
        name = written.replace("\\", "/")
        for start in (here / str(self.content.get("path") or ""), here, self.files.root):
            if (start / name).exists() and not name.startswith("../"):
                return start / name
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        splits = [number for number, part in enumerate(parts) if split_in(part)]
        starts = range(splits[-1] + 1 if splits else len(parts))
        tails = (here.joinpath(*parts[start:]) for start in starts)
        return next((tail for tail in tails if tail.exists()), None)

    def listed(self, line: str) -> Path:
        """The image that a line of a list names."""
        return self.files.image(line, ("", "images")) or self.files.root / line.strip()

    def read_image(self, path: Path, split: str | None) -> None:
        source = self.labels_of(path)
        index = self.builder.image(Image(path, source, split))
        if not source.is_file():
            return
        for number, line in enumerate(read_text(source).splitlines(), start=1):
            if line.strip():
                self.read_line(index, source, number, line.split())

    def labels_of(self, path: Path) -> Path:
        """The label file of an image, which need not be there."""
        name = path.relative_to(self.files.root).as_posix() if self.is_inside(path) else str(path)
        before, found, after = f"/{name}".rpartition("/images/")
        beside = path.with_suffix(".txt")
        swapped = f"{before}/labels/{after}".lstrip("/") if found else name
        parallel = self.files.named(f"{stem(swapped)}.txt")
        alone = self.labels.get(path.stem.casefold())
        return next((each for each in (parallel, alone) if each), beside)

    def is_inside(self, path: Path) -> bool:
        return path.is_relative_to(self.files.root)

    def read_line(self, image: int, source: Path, number: int, values: list[str]) -> None:
        label = self.label(values[0])
        try:
            numbers = [float(value) for value in values[1:]]
        except ValueError:
            numbers = []
        path = self.builder.images[image].path
        if label is None:
            text = f"line {number}: class {values[0]}, where the classes are {self.known()}"
            self.builder.problem("category-unknown", source, text, path)
        elif corners := self.corners(numbers):
            self.builder.box(image, label, corners, number)
        else:
            text = f"line {number} is no class with 4 numbers or a polygon: {' '.join(values)[:60]}"
            self.builder.problem("annotation-numbers", source, text, path)

    def label(self, value: str) -> int | None:
        """The label of a class's number; None if there is no such class."""
        try:
            number = int(value) if value.isdecimal() else int(float(value))
        except (ValueError, OverflowError):
            return None
        if self.names is None:
            return self.builder.label(str(number)) if number >= 0 else None
        return self.builder.label(self.names[number]) if number in self.names else None

    def known(self) -> str:
        """The numbers of the classes, for a message."""
        if not self.names:
            return "numbers from 0"
        numbers = list(self.names)
        if numbers == list(range(len(numbers))):
            return f"0 to {numbers[-1]}"
        return ", ".join(map(str, numbers))

    def corners(self, numbers: list[float]) -> list[float] | None:
        """The corners of a box or of what encloses a polygon, in parts of the sides."""
        if len(numbers) + 1 in (BOX_VALUES, BOX_VALUES + 1, BOX_VALUES + self.keypoint_values):
            x, y, width, height = numbers[:4]
            return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        if len(numbers) + 1 >= FEWEST_POLYGON_VALUES and len(numbers) % 2 == 0:
            xs, ys = numbers[0::2], numbers[1::2]
            return [min(xs), min(ys), max(xs), max(ys)]
        return None

    def note(self, rule: str, text: str) -> None:
        self.builder.problem(rule, self.description or self.files.root, text)


def unique_labels(files: Files) -> dict[str, Path]:
    """Label files by the stem of their names, where it is the only one of that name."""
    found: dict[str, Path | None] = {}
    for path in label_files(files):
        key = stem(base(path.name))
        found[key] = path if key not in found else None
    return {key: path for key, path in found.items() if path is not None}
