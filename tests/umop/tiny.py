"""Configs of a network that trains in seconds.

Its convolutions have 16 channels or more. With fewer, and channels last, the gradient of a 1 × 1
convolution of stride 2 in oneDNN 3.10 writes beyond its memory where the processor has AVX-512.
"""

TINY = """
_base_ = "small"

auto_schedule = None
model = dict(
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(1, 2),
        base_channels=16,
    ),
    neck=dict(in_channels=[32, 64], out_channels=16, num_outs=3),
    bbox_head=dict(
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        anchor_generator=dict(strides=[8, 16, 32]),
    ),
)
train_dataloader = dict(batch_size=2, num_workers=2)
train_cfg = dict(max_iters=14, val_interval=5)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=3, end=14, eta_min=1e-5),
]
default_hooks = dict(
    checkpoint=dict(interval=4),
    logger=dict(interval=1),
    stopping=dict(type="EarlyStoppingHook", monitor="AP", rule="greater", patience=1000),
)
custom_hooks = [
    dict(type="FocusingHook", interval=1),
    dict(type="MetricsHook", interval=1),
    dict(type="ProgressHook"),
    dict(type="EMAHook", momentum=0.1),
]
"""
PAUSING = """
_base_ = "./by_iteration.py"

custom_imports = dict(imports=["tests.umop.distributed.pause"])
default_hooks = dict(pause=dict(type="PauseHook", at=[7, 11]))
"""
BY_EPOCH = """
_base_ = "./by_iteration.py"

model = dict(
    type="TOOD",
    bbox_head=dict(
        type="ScheduledTOODHead",
        epochs=5,
        anchor_type="anchor_free",
        initial_loss_cls=dict(type="ProgressiveFocalLoss", use_sigmoid=True, activated=True),
        loss_cls=dict(type="ProgressiveQualityFocalLoss", activated=True),
    ),
    train_cfg=dict(
        initial_epoch=2,
        initial_assigner=dict(type="ATSSAssigner", topk=9),
        assigner=dict(type="TaskAlignedAssigner", topk=13),
        alpha=1,
        beta=6,
    ),
)
plain = [
    dict(type="LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=(416, 416)),
    dict(type="PackDetInputs"),
]
mixed = [
    *plain[:2],
    dict(type="Mosaic", img_scale=(416, 416)),
    dict(type="RandomCrop", crop_size=(416, 416)),
    dict(type="OccasionalMixUp", img_scale=(416, 416), prob=0.5),
    plain[-1],
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type="DefaultSampler", shuffle=True),
    batch_sampler=dict(type="AspectRatioBatchSampler"),
    dataset=dict(
        type="MixedCocoDataset", pipeline=mixed, last_pipeline=plain, last_share=0.4
    ),
)
train_cfg = dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=5, val_interval=2)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=5),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=5, milestones=[2, 4]),
]
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
"""
TEXTS = {"by_iteration": TINY, "by_epoch": BY_EPOCH, "pausing": PAUSING}
