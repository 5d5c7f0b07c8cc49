"""A ResNet-50 with its first stage and the statistics of its batch norms held."""

_base_ = "detector.py"

model = dict(
    backbone=dict(
        type="ResNet",
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=True,
        style="pytorch",
        init_cfg=dict(type="Pretrained", checkpoint="umop://resnet50"),
    ),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)
