"""A Swin-S Transformer."""

_base_ = "detector.py"

# The published weights have norms for all four stages; no pyramid level uses the first.
find_unused_parameters = True

model = dict(
    backbone=dict(
        type="SwinTransformer",
        embed_dims=96,
        depths=(2, 2, 18, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
        drop_path_rate=0.3,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type="LN"),
        convert_weights=True,
        init_cfg=dict(type="Pretrained", checkpoint="umop://swin_small_patch4_window7_224"),
    ),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
