"""UMOP, RTMDet-m, 300 epochs. Published box AP of plain RTMDet-m: 49.1 val."""

_base_ = "rtmdet_l.py"

model = dict(
    backbone=dict(deepen_factor=0.67, widen_factor=0.75),
    neck=dict(in_channels=[192, 384, 768], out_channels=192, num_csp_blocks=2),
    bbox_head=dict(in_channels=192, feat_channels=192),
)
