"""FSAF with a γ and an α for each pyramid level, and nothing else different."""

_base_ = "fsaf.py"

model = dict(
    bbox_head=dict(
        loss_cls=dict(
            _delete_=True, type="ProgressiveFocalLoss", use_sigmoid=True, reduction="none"
        ),
    )
)
