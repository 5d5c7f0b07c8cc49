"""r101_dcn trained at many scales. Published box AP: 47.6 val, 47.7 test-dev."""

_base_ = [
    "_base_/resnet101_dcn.py",
    "_base_/coco_multiscale.py",
    "_base_/schedule_18e.py",
    "_base_/runtime.py",
]
