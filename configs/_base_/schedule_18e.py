"""1.5x: 18 epochs of SGD."""

_base_ = "schedule_12e.py"

train_cfg = dict(max_epochs=18)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=18, milestones=[12, 16], gamma=0.1),
]
