"""A small detector for photographs of any kind: minutes on two cores for a few hundred images."""

_base_ = ["_base_/lite0.py", "_base_/own_data_mixed.py", "_base_/schedule_data.py"]

lr = 2e-3
evaluations = 4

model = dict(
    backbone=dict(frozen_depthwise=True),
    neck=dict(num_outs=4),
    bbox_head=dict(num_classes=1, anchor_generator=dict(strides=[8, 16, 32, 64])),
)
auto_schedule = dict(epochs=36, min_iters=1200)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3), cls=dict(lr_mult=0.5))),
)
