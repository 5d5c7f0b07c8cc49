"""UMOP, TOOD (arXiv 2108.07755), ResNet-50, 12 epochs. Published box AP of plain TOOD: 42.4 val."""

_base_ = [
    "_base_/resnet50.py",
    "_base_/coco.py",
    "_base_/schedule_12e.py",
    "_base_/runtime.py",
]

auto_size = dict(base_size=1333, min_box=18, max_size=2048)
auto_weights = "coco"
auto_schedule = dict(epochs=36, base_epochs=12, min_iters=3000, max_iters=48000)

model = dict(
    type="TOOD",
    bbox_head=dict(
        type="ScheduledTOODHead",
        epochs=12,
        stacked_convs=6,
        anchor_type="anchor_free",
        initial_loss_cls=dict(type="ProgressiveFocalLoss", use_sigmoid=True, activated=True),
        loss_cls=dict(type="ProgressiveQualityFocalLoss", activated=True),
    ),
    train_cfg=dict(
        initial_epoch=4,
        initial_assigner=dict(type="ATSSAssigner", topk=9),
        assigner=dict(type="TaskAlignedAssigner", topk=13),
        alpha=1,
        beta=6,
    ),
)
