"""Writers of the same two images and boxes in every layout."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile, ZipInfo

import numpy as np

from tests.umop.data.samples import HEIGHT, WIDTH, draw

CAT, DOG = (8.0, 6.0, 24.0, 30.0), (32.0, 12.0, 64.0, 36.0)
TRAIN, VAL = "first one.jpg", "second.JPG"
"""The first has a cat and a dog, the second a dog."""
BOM = "\ufeff"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")


def voc_xml(*objects: tuple[str, Sequence[float]]) -> str:
    boxes = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, (x1, y1, x2, y2) in objects
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    return f"<annotation>{size}{boxes}</annotation>"


def voc(root: Path) -> None:
    draw(root / "JPEGImages" / TRAIN, 1)
    draw(root / "JPEGImages" / VAL, 2)
    write(root / "Annotations" / "first one.xml", voc_xml(("cat", CAT), ("dog", DOG)))
    write(root / "Annotations" / "second.xml", BOM + voc_xml(("dog", DOG)))
    write(root / "ImageSets" / "Main" / "train.txt", "first one\r\n")
    write(root / "ImageSets" / "Main" / "val.txt", "second  1\r\n")


def voc_in_folders(root: Path) -> None:
    for split, name, objects in (
        ("train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("valid", VAL, [("dog", DOG)]),
    ):
        draw(root / split / name, len(name))
        write((root / split / name).with_suffix(".xml"), voc_xml(*objects))


def yolo_line(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = box
    centre = (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT
    return f"{label} {centre[0]} {centre[1]} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}\r\n"


def yolo_files(root: Path, folders: tuple[str, str]) -> None:
    for name, folder, lines in (
        (TRAIN, folders[0], yolo_line(0, CAT) + yolo_line(1, DOG)),
        (VAL, folders[1], BOM + yolo_polygon(1, DOG)),
    ):
        draw(root / "images" / folder / name, len(name))
        write(root / "labels" / folder / f"{Path(name).stem}.txt", lines)


def yolo_polygon(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = np.array(box) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return f"{label} {x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2}\n"


def yolo(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(
        root / "data.yaml",
        BOM + "path: /home/me/data\ntrain: images/train\nval: ../data/images/val\n"
        "names:\n  0: cat\n  1: dog\n",
    )


def yolo_lists(root: Path) -> None:
    yolo_files(root, ("", ""))
    write(root / "train.txt", f"/somewhere/else/images/{TRAIN}\r\n")
    write(root / "val.txt", f"./images/{VAL}\n")
    write(root / "set.yml", "train: train.txt\nval: [val.txt]\nnc: 2\nnames: [cat, dog]\n")


def yolo_without_yaml(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(root / "classes.txt", "cat\ndog\n")


def coco_content(names: Sequence[str]) -> str:
    boxes = {TRAIN: [(1, CAT), (2, DOG)], VAL: [(2, DOG)]}
    annotations = [
        {"image_id": i, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i, name in enumerate(names)
        for label, (x1, y1, x2, y2) in boxes[Path(name.replace("\\", "/")).name]
    ]
    return json.dumps(
        {
            "images": [
                {"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT}
                for i, name in enumerate(names)
            ],
            "annotations": [{"id": i, **each} for i, each in enumerate(annotations)],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
    )


def coco_like(train: str, train_images: str, val: str, val_images: str) -> Callable:
    def lay(root: Path) -> None:
        for file, folder, name in ((train, train_images, TRAIN), (val, val_images, VAL)):
            draw(root / folder / name, len(name))
            write(root / file, BOM + coco_content([name]))

    return lay


def csv_table(root: Path) -> None:
    for split, name, rows in (
        ("train", TRAIN, [(*CAT, "cat"), (*DOG, "dog")]),
        ("val", VAL, [(*DOG, "dog")]),
    ):
        draw(root / "images" / name, len(name))
        lines = [f"/data/{name},{','.join(map(str, row))}" for row in rows]
        write(root / f"{split}.csv", "image,x1,y1,x2,y2,label\r\n" + "\r\n".join(lines))


def open_images(root: Path) -> None:
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf\n"
    for split, name, rows in (
        ("train", TRAIN, [("/m/01yrx", CAT), ("/m/0bt9lr", DOG)]),
        ("validation", VAL, [("/m/0bt9lr", DOG)]),
    ):
        draw(root / split / name, len(name))
        lines = [
            f"{Path(name).stem},x,{label},1,{x1 / WIDTH},{x2 / WIDTH},{y1 / HEIGHT},"
            f"{y2 / HEIGHT},0,0\n"
            for label, (x1, y1, x2, y2) in rows
        ]
        write(root / f"{split}-annotations-bbox.csv", header + "".join(lines))
    write(root / "class-descriptions-boxable.csv", "/m/01yrx,cat\n/m/0bt9lr,dog\n")


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


SPLITS = {"train": (TRAIN, [("cat", CAT), ("dog", DOG)]), "val": (VAL, [("dog", DOG)])}
"""The name of the image and its boxes."""


def sized(box: Sequence[float]) -> dict[str, float]:
    x1, y1, x2, y2 = box
    return {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}


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


def automl(root: Path) -> None:
    rows = []
    for split, (name, shapes) in SPLITS.items():
        draw(root / name, len(name))
        part = {"train": "TRAIN", "val": "VALIDATION"}[split]
        for label, (x1, y1, x2, y2) in shapes:
            first, second = (x1 / WIDTH, y1 / HEIGHT), (x2 / WIDTH, y2 / HEIGHT)
            rows.append(
                f"{part},gs://bucket/a/{name},{label},{first[0]},{first[1]},,,"
                f"{second[0]},{second[1]},,\n"
            )
    write(root / "export.csv", "".join(rows))


def tensorflow_csv(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        rows = [
            f"{name},{WIDTH},{HEIGHT},{label},{','.join(map(str, box))}" for label, box in shapes
        ]
        header = "filename,width,height,class,xmin,ymin,xmax,ymax"
        write(root / split / "_annotations.csv", "\n".join([header, *rows]))


def vinbig(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        rows = [
            f"{Path(name).stem},{label},1,R1,{','.join(map(str, box))}" for label, box in shapes
        ]
        header = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"
        write(root / f"{split}.csv", "\n".join([header, *rows]))


def makesense(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        rows = [
            f"{label},{','.join(map(str, sized(box).values()))},{name},{WIDTH},{HEIGHT}"
            for label, box in shapes
        ]
        write(root / split / "labels_my-project.csv", "\n".join(rows))


def kitti(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / "image_2" / name, len(name))
        lines = [
            f"{label} 0.00 0 -1.5 {' '.join(map(str, box))} 1 1 1 1 1 1 0\n"
            for label, box in shapes
        ]
        ignored = "DontCare -1 -1 -10 1 1 9 9 -1 -1 -1 -1000 -1000 -1000 -10\n"
        write(root / split / "label_2" / f"{Path(name).stem}.txt", "".join(lines) + ignored)


def dota(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / "images" / name, len(name))
        lines = [
            f"{x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2} {label} 0\n"
            for label, (x1, y1, x2, y2) in shapes
        ]
        header = "imagesource:GoogleEarth\ngsd:0.14\n"
        write(root / split / "labelTxt" / f"{Path(name).stem}.txt", header + "".join(lines))


LAYOUTS = {
    "Pascal VOC": voc,
    "Pascal VOC in folders": voc_in_folders,
    "YOLO with data.yaml": yolo,
    "YOLO with lists": yolo_lists,
    "YOLO without YAML": yolo_without_yaml,
    "COCO": coco_like(
        "annotations/instances_train2017.json",
        "train2017",
        "annotations/instances_val2017.json",
        "val2017",
    ),
    "plain COCO": coco_like("train.json", "train", "val.json", "val"),
    "Roboflow's COCO": coco_like(
        "train/_annotations.coco.json", "train", "valid/_annotations.coco.json", "valid"
    ),
    "CSV": csv_table,
    "Open Images": open_images,
    "LabelMe": labelme,
    "CVAT": cvat,
    "Label Studio": label_studio,
    "Label Studio's JSON-MIN": label_studio_min,
    "VIA": via,
    "VIA's CSV": via_csv,
    "CreateML": createml,
    "Supervisely": supervisely,
    "Ground Truth": ground_truth,
    "AutoML": automl,
    "TensorFlow's CSV": tensorflow_csv,
    "VinBig's CSV": vinbig,
    "makesense's CSV": makesense,
    "KITTI": kitti,
    "DOTA": dota,
}


def zipped(path: Path, name: str, content: bytes, mode: int = 0o644) -> Path:
    member = ZipInfo(name)
    member.external_attr = mode << 16
    with ZipFile(path, "w", compression=8) as archive:
        archive.writestr(member, content, compress_type=8)
    return path
