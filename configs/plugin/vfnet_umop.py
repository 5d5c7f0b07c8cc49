"""VarifocalNet with a γ and an α for each pyramid level, and nothing else different."""

_base_ = "vfnet.py"

model = dict(
    bbox_head=dict(
        type="PerLevelVFNetHead",
        loss_cls=dict(_delete_=True, type="ProgressiveVarifocalLoss", use_sigmoid=True),
    )
)
