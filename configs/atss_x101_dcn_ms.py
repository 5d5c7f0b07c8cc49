"""x101_dcn_ms with plain focal loss, and nothing else different: what UMOP is compared with."""

_base_ = "x101_dcn_ms.py"

model = dict(
    bbox_head=dict(
        loss_cls=dict(_delete_=True, type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25)
    )
)
