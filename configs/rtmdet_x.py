"""UMOP, RTMDet-x, 300 epochs. Published box AP of plain RTMDet-x: 52.6 val."""

_base_ = "rtmdet_l.py"

model = dict(
    backbone=dict(deepen_factor=1.33, widen_factor=1.25),
    neck=dict(in_channels=[320, 640, 1280], out_channels=320, num_csp_blocks=4),
    bbox_head=dict(in_channels=320, feat_channels=320),
)
