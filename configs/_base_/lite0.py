"""EfficientNet-Lite0 with its first stages held, and a light head: a detector for two cores."""

_base_ = "detector.py"

channels_last = True

model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        type="TimmBackbone",
        name="tf_efficientnet_lite0",
        frozen_stages=3,
        pretrained=True,
    ),
    neck=dict(in_channels=[40, 112, 320], start_level=0, out_channels=64),
    bbox_head=dict(
        in_channels=64,
        feat_channels=64,
        stacked_convs=2,
        norm_cfg=dict(type="GN", num_groups=16),
    ),
)
