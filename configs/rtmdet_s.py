"""UMOP, RTMDet-s, 300 epochs. Published box AP of plain RTMDet-s: 44.5 val."""

_base_ = "rtmdet_l.py"

jitter = (0.5, 2.0)

model = dict(
    backbone=dict(
        deepen_factor=0.33,
        widen_factor=0.5,
        init_cfg=dict(type="Pretrained", prefix="backbone.", checkpoint="umop://cspnext-s"),
    ),
    neck=dict(in_channels=[128, 256, 512], out_channels=128, num_csp_blocks=1),
    bbox_head=dict(in_channels=128, feat_channels=128, exp_on_reg=False),
)
