"""UMOP, ResNet-50, 18 epochs. Published box AP: 40.4 val, 40.5 test-dev."""

_base_ = [
    "_base_/resnet50.py",
    "_base_/coco.py",
    "_base_/schedule_18e.py",
    "_base_/runtime.py",
]
