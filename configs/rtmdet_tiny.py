"""UMOP, RTMDet-tiny, 300 epochs. Published box AP of plain RTMDet-tiny: 40.9 val."""

_base_ = "rtmdet_s.py"

mixed = 0.5

model = dict(
    backbone=dict(
        deepen_factor=0.167,
        widen_factor=0.375,
        init_cfg=dict(checkpoint="umop://cspnext-tiny"),
    ),
    neck=dict(in_channels=[96, 192, 384], out_channels=96, num_csp_blocks=1),
    bbox_head=dict(in_channels=96, feat_channels=96),
)
