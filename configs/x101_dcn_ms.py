"""UMOP, ResNeXt-101 64x4d with DCN, many scales. Published box AP: 48.8 val, 49.1 test-dev."""

_base_ = [
    "_base_/resnet101_dcn.py",
    "_base_/coco_multiscale.py",
    "_base_/schedule_18e.py",
    "_base_/runtime.py",
]

model = dict(
    backbone=dict(
        type="ResNeXt",
        groups=64,
        base_width=4,
        init_cfg=dict(checkpoint="umop://resnext101_64x4d"),
    )
)
