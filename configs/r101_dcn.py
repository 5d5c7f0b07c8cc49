"""UMOP, ResNet-101 with DCN, 18 epochs. Published box AP: 45.2 val, 45.4 test-dev."""

_base_ = [
    "_base_/resnet101_dcn.py",
    "_base_/coco.py",
    "_base_/schedule_18e.py",
    "_base_/runtime.py",
]
