"""small with plain focal loss (γ 2, α 0.25), and nothing else different: for comparison."""

_base_ = "small.py"

model = dict(
    bbox_head=dict(
        loss_cls=dict(_delete_=True, type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25)
    )
)
