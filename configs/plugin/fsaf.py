"""FSAF (arXiv 1903.00621), its anchor-free branch, ResNet-50, 12 epochs."""

_base_ = "retinanet.py"

model = dict(
    type="FSAF",
    bbox_head=dict(
        type="FSAFHead",
        reg_decoded_bbox=True,
        anchor_generator=dict(octave_base_scale=1, scales_per_octave=1, ratios=[1.0]),
        bbox_coder=dict(_delete_=True, type="TBLRBBoxCoder", normalizer=4.0),
        loss_cls=dict(reduction="none"),
        loss_bbox=dict(_delete_=True, type="IoULoss", eps=1e-6, reduction="none"),
    ),
    train_cfg=dict(
        assigner=dict(
            _delete_=True,
            type="CenterRegionAssigner",
            pos_scale=0.2,
            neg_scale=0.2,
            min_pos_iof=0.01,
        )
    ),
)
optim_wrapper = dict(clip_grad=dict(max_norm=10))
