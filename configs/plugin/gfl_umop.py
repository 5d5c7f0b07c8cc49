"""GFL with a β for each pyramid level, and nothing else different."""

_base_ = "gfl.py"

model = dict(
    bbox_head=dict(
        loss_cls=dict(_delete_=True, type="ProgressiveQualityFocalLoss", use_sigmoid=True),
    )
)
