"""UMOP, Swin-B. Published box AP: 51.6 val, 51.9 test-dev; with TTA 53.4, 53.9."""

_base_ = "swin_s.py"

model = dict(
    backbone=dict(
        embed_dims=128,
        num_heads=(4, 8, 16, 32),
        init_cfg=dict(checkpoint="umop://swin_base_patch4_window7_224_22k"),
    ),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
