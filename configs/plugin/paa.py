"""PAA (arXiv 2007.08103), ResNet-50, 12 epochs."""

_base_ = [
    "../_base_/resnet50.py",
    "../_base_/coco.py",
    "../_base_/schedule_12e.py",
    "../_base_/runtime.py",
]

model = dict(
    type="PAA",
    bbox_head=dict(
        type="DoublePAAHead",
        reg_decoded_bbox=True,
        score_voting=True,
        topk=9,
        loss_cls=dict(_delete_=True, type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(loss_weight=1.3),
        loss_centerness=dict(loss_weight=0.5),
    ),
    train_cfg=dict(
        assigner=dict(
            _delete_=True,
            type="MaxIoUAssigner",
            pos_iou_thr=0.1,
            neg_iou_thr=0.1,
            min_pos_iou=0,
            ignore_iof_thr=-1,
        )
    ),
)
