"""A small detector for photographs of any kind: minutes on two cores for a few hundred images."""

_base_ = ["_base_/lite0.py", "_base_/own_data.py", "_base_/schedule_data.py"]

model = dict(
    neck=dict(num_outs=4),
    bbox_head=dict(num_classes=1, anchor_generator=dict(strides=[8, 16, 32, 64])),
)
