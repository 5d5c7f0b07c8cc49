"""UMOP, ResNet-101, 18 epochs. Published box AP: 42.1 val, 42.3 test-dev."""

_base_ = "r50.py"

model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint="umop://resnet101")))
