"""UMOP, Swin-S. Published box AP: 49.9 val, 50.3 test-dev; with TTA 51.9, 52.3."""

_base_ = [
    "_base_/swin.py",
    "_base_/coco_multiscale.py",
    "_base_/schedule_24e_adamw.py",
    "_base_/runtime.py",
]
