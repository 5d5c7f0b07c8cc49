"""UMOP, Res2Net-101 with DCN, many scales. Published box AP: 50.0 val, 50.3 test-dev."""

_base_ = [
    "_base_/resnet101_dcn.py",
    "_base_/coco_multiscale.py",
    "_base_/schedule_24e.py",
    "_base_/runtime.py",
]

model = dict(
    backbone=dict(
        type="Res2Net",
        scales=4,
        base_width=26,
        init_cfg=dict(checkpoint="umop://res2net101_v1d_26w_4s"),
    )
)
