"""UMOP, Swin-L. Published box AP: 52.8 val, 53.1 test-dev; with TTA 54.7, 55.1."""

_base_ = "swin_s.py"

model = dict(
    backbone=dict(
        embed_dims=192,
        num_heads=(6, 12, 24, 48),
        init_cfg=dict(checkpoint="umop://swin_large_patch4_window7_224_22k"),
    ),
    neck=dict(in_channels=[192, 384, 768, 1536]),
)
