"""VarifocalNet (arXiv 2008.13367), ResNet-50, 12 epochs."""

_base_ = [
    "../_base_/resnet50.py",
    "../_base_/coco.py",
    "../_base_/schedule_12e.py",
    "../_base_/runtime.py",
]

model = dict(
    type="VFNet",
    neck=dict(relu_before_extra_convs=True),
    bbox_head=dict(
        _delete_=True,
        type="VFNetHead",
        num_classes=80,
        in_channels=256,
        stacked_convs=3,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        center_sampling=False,
        dcn_on_last_conv=False,
        use_atss=True,
        use_vfl=True,
        loss_cls=dict(type="VarifocalLoss", use_sigmoid=True, alpha=0.75, gamma=2.0),
        loss_bbox=dict(type="GIoULoss", loss_weight=1.5),
        loss_bbox_refine=dict(type="GIoULoss", loss_weight=2.0),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0))
