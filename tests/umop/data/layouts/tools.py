"""Writers of what labelling tools export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.umop.data.layouts.writing import CAT, DOG, SPLITS, TRAIN, VAL, sized, write
from tests.umop.data.samples import HEIGHT, WIDTH, draw


def labelme(root: Path) -> None:
    for split, name, shapes in (
        ("train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("val", VAL, [("dog", DOG)]),
    ):
        draw(root / split / name, len(name))
        content = {
            "shapes": [
                {"label": label, "shape_type": "rectangle", "points": [[x2, y1], [x1, y2]]}
                for label, (x1, y1, x2, y2) in shapes
            ],
            "imagePath": f"..\\{name}",
            "imageWidth": WIDTH,
            "imageHeight": HEIGHT,
        }
        write((root / split / name).with_suffix(".json"), json.dumps(content))


def cvat(root: Path) -> None:
    images = ""
    for subset, name, shapes in (
        ("Train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("Validation", VAL, [("dog", DOG)]),
    ):
        draw(root / "images" / name, len(name))
        boxes = "".join(
            f'<box label="{label}" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
            for label, (x1, y1, x2, y2) in shapes
        )
        images += (
            f'<image name="{name}" subset="{subset}" width="{WIDTH}" height="{HEIGHT}">'
            f"{boxes}</image>"
        )
    write(root / "annotations.xml", f"<annotations><version>1.1</version>{images}</annotations>")


def label_studio_region(label: str, box: Sequence[float]) -> dict[str, Any]:
    sides = {"x": WIDTH, "width": WIDTH, "y": HEIGHT, "height": HEIGHT}
    percents = {name: 100 * value / sides[name] for name, value in sized(box).items()}
    return {**percents, "rotation": 0, "rectanglelabels": [label]}


def label_studio(root: Path) -> None:
    original = {"original_width": WIDTH, "original_height": HEIGHT}
    for split, (name, shapes) in SPLITS.items():
        draw(root / "images" / name, len(name))
        results = [
            {**original, "type": "rectanglelabels", "value": label_studio_region(*shape)}
            for shape in shapes
        ]
        task = {
            "id": 1,
            "annotations": [{"was_cancelled": True}, {"result": results}],
            "data": {"image": f"/data/upload/1/0a1b2c3d-{quote(name)}"},
        }
        write(root / f"project-{split}.json", json.dumps([task]))


def label_studio_min(root: Path) -> None:
    original = {"original_width": WIDTH, "original_height": HEIGHT}
    for split, (name, shapes) in SPLITS.items():
        draw(root / name, len(name))
        regions = [{**label_studio_region(*shape), **original} for shape in shapes]
        task = {"image": f"/data/local-files/?d=my/images/{name}", "id": 1, "label": regions}
        write(root / f"{split}.json", json.dumps([task]))


def via_regions(shapes: Sequence[tuple[str, Sequence[float]]]) -> list[dict[str, Any]]:
    return [
        {
            "shape_attributes": {"name": "rect", **sized(box)},
            "region_attributes": {"quality": {"good": True}, "class": label},
        }
        for label, box in shapes
    ]


def via(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        image = {"filename": name, "size": 9, "regions": via_regions(shapes)}
        content = {"_via_settings": {}, "_via_img_metadata": {f"{name}9": image}}
        write(root / split / "via_project.json", json.dumps(content))


def via_csv(root: Path) -> None:
    header = "#filename,file_size,file_attributes,region_count,region_id,"
    header += "region_shape_attributes,region_attributes\n"
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        text = io.StringIO()
        rows = csv.writer(text)
        for number, region in enumerate(via_regions(shapes)):
            cells = map(json.dumps, (region["shape_attributes"], region["region_attributes"]))
            rows.writerow([name, 9, "{}", len(shapes), number, *cells])
        write(root / split / "via_region_data.csv", header + text.getvalue())


def createml(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        boxes = []
        for label, box in shapes:
            sides = sized(box)
            sides["x"] += sides["width"] / 2
            sides["y"] += sides["height"] / 2
            boxes.append({"label": label, "coordinates": sides})
        content = [{"image": name, "annotations": boxes}]
        write(root / split / "_annotations.createml.json", json.dumps(content))


def supervisely(root: Path) -> None:
    write(root / "meta.json", json.dumps({"classes": [{"title": "cat"}, {"title": "dog"}]}))
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / "img" / name, len(name))
        objects = [
            {
                "classTitle": label,
                "geometryType": "rectangle",
                "points": {"exterior": [[x1, y1], [x2, y2]], "interior": []},
            }
            for label, (x1, y1, x2, y2) in shapes
        ]
        content = {"size": {"height": HEIGHT, "width": WIDTH}, "tags": [], "objects": objects}
        write(root / split / "ann" / f"{name}.json", json.dumps(content))


def ground_truth(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        boxes = []
        for label, box in shapes:
            sides = sized(box)
            place = {"left": sides["x"], "top": sides["y"]}
            boxes.append({"class_id": label == "dog", **sides, **place})
        entry = {
            "source-ref": f"s3://bucket/{split}/{name}",
            "job": {
                "annotations": [{**box, "class_id": int(box["class_id"])} for box in boxes],
                "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}],
            },
            "job-metadata": {"class-map": {"0": "cat", "1": "dog"}},
        }
        write(root / f"{split}.manifest", json.dumps(entry) + "\n")


def hugging_face(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        boxes = [list(sized(box).values()) for _, box in shapes]
        objects = {"bbox": boxes, "categories": [label for label, _ in shapes]}
        line = json.dumps({"file_name": name, "objects": objects})
        write(root / split / "metadata.jsonl", line + "\n")
