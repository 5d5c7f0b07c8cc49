"""Writers of the same two images and boxes in every layout."""

from __future__ import annotations

from tests.umop.data.layouts.challenges import dota, kitti
from tests.umop.data.layouts.tables import (
    automl,
    csv_of_sizes,
    csv_table,
    makesense,
    open_images,
    tensorflow_csv,
    vinbig,
)
from tests.umop.data.layouts.tools import (
    createml,
    cvat,
    ground_truth,
    hugging_face,
    label_studio,
    label_studio_min,
    labelme,
    supervisely,
    via,
    via_csv,
)
from tests.umop.data.layouts.training import (
    coco_like,
    voc,
    voc_in_folders,
    voc_xml,
    yolo,
    yolo_lists,
    yolo_without_yaml,
)
from tests.umop.data.layouts.writing import CAT, DOG, TRAIN, VAL, write

__all__ = [
    "CAT",
    "DOG",
    "LAYOUTS",
    "TRAIN",
    "VAL",
    "coco_like",
    "csv_of_sizes",
    "csv_table",
    "cvat",
    "labelme",
    "voc",
    "voc_xml",
    "write",
    "yolo",
]

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
    "CSV of sizes": csv_of_sizes,
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
    "Hugging Face": hugging_face,
    "AutoML": automl,
    "TensorFlow's CSV": tensorflow_csv,
    "VinBig's CSV": vinbig,
    "makesense's CSV": makesense,
    "KITTI": kitti,
    "DOTA": dota,
}
