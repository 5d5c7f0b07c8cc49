"""tood_r50 with plain focal losses (γ and β 2), and nothing else different: for comparison."""

_base_ = "tood_r50.py"

model = dict(
    bbox_head=dict(
        initial_loss_cls=dict(type="FocalLoss", gamma=2.0, alpha=0.25),
        loss_cls=dict(type="QualityFocalLoss", beta=2.0),
    )
)
