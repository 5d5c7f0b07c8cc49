"""RTMDet (arXiv 2212.07784) of size l with UMOP's loss: CSPNeXt, levels P3 to P5."""

_base_ = "detector.py"

sync_bn = "torch"
auto_size = dict(base_size=640, min_box=18, max_size=1024)
auto_weights = "coco"

norm = dict(type="BN", momentum=0.03, eps=0.001)
activation = dict(type="SiLU", inplace=True)

model = dict(
    type="RTMDet",
    use_syncbn=False,
    data_preprocessor=dict(
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
    ),
    backbone=dict(
        type="CSPNeXt",
        arch="P5",
        expand_ratio=0.5,
        deepen_factor=1,
        widen_factor=1,
        channel_attention=True,
        norm_cfg=norm,
        act_cfg=activation,
    ),
    neck=dict(
        _delete_=True,
        type="CSPNeXtPAFPN",
        in_channels=[256, 512, 1024],
        out_channels=256,
        num_csp_blocks=3,
        expand_ratio=0.5,
        norm_cfg=norm,
        act_cfg=activation,
    ),
    bbox_head=dict(
        _delete_=True,
        type="RTMDetSepBNHead",
        num_classes=80,
        in_channels=256,
        stacked_convs=2,
        feat_channels=256,
        anchor_generator=dict(type="MlvlPointGenerator", offset=0, strides=[8, 16, 32]),
        bbox_coder=dict(type="DistancePointBBoxCoder"),
        loss_cls=dict(type="ProgressiveQualityFocalLoss", use_sigmoid=True),
        loss_bbox=dict(type="GIoULoss", loss_weight=2.0),
        with_objectness=False,
        exp_on_reg=True,
        share_conv=True,
        pred_kernel_size=1,
        norm_cfg=norm,
        act_cfg=activation,
    ),
    train_cfg=dict(assigner=dict(type="DynamicSoftLabelAssigner", topk=13)),
    test_cfg=dict(score_thr=0.001, nms=dict(iou_threshold=0.65), max_per_img=300),
)
