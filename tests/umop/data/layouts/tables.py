"""Writers of CSV tables."""

from __future__ import annotations

from pathlib import Path

from tests.umop.data.layouts.writing import CAT, DOG, SPLITS, TRAIN, VAL, sized, write
from tests.umop.data.samples import HEIGHT, WIDTH, draw


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


def csv_of_sizes(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / name, len(name))
        rows = [
            f"{name},{','.join(map(str, sized(box).values()))},{label}" for label, box in shapes
        ]
        write(root / split / "boxes.csv", "\n".join(["filename,x,y,width,height,class", *rows]))
