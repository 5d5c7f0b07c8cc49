"""RetinaNet (arXiv 1708.02002), ResNet-50, 12 epochs."""

_base_ = [
    "../_base_/resnet50.py",
    "../_base_/coco.py",
    "../_base_/schedule_12e.py",
    "../_base_/runtime.py",
]

model = dict(
    type="RetinaNet",
    neck=dict(add_extra_convs="on_input"),
    bbox_head=dict(
        _delete_=True,
        type="RetinaHead",
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        anchor_generator=dict(
            type="AnchorGenerator",
            octave_base_scale=4,
            scales_per_octave=3,
            ratios=[0.5, 1.0, 2.0],
            strides=[8, 16, 32, 64, 128],
        ),
        bbox_coder=dict(type="DeltaXYWHBBoxCoder"),
        loss_cls=dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type="L1Loss", loss_weight=1.0),
    ),
    train_cfg=dict(
        assigner=dict(
            _delete_=True,
            type="MaxIoUAssigner",
            pos_iou_thr=0.5,
            neg_iou_thr=0.4,
            min_pos_iou=0,
            ignore_iof_thr=-1,
        ),
        sampler=dict(type="PseudoSampler"),
    ),
    test_cfg=dict(nms=dict(iou_threshold=0.5)),
)
