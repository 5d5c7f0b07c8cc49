"""rtmdet_s with plain quality focal loss (β 2), and nothing else different: for comparison."""

_base_ = "rtmdet_s.py"

model = dict(
    bbox_head=dict(
        loss_cls=dict(_delete_=True, type="QualityFocalLoss", use_sigmoid=True, beta=2.0)
    )
)
