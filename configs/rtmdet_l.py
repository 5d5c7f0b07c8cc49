"""UMOP, RTMDet-l, 300 epochs. Published box AP of plain RTMDet-l: 51.3 val."""

_base_ = [
    "_base_/rtmdet.py",
    "_base_/coco_mosaic.py",
    "_base_/schedule_300e.py",
]
