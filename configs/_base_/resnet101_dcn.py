"""A ResNet-101 with deformable convolutions (DCNv2) in stages C3 to C5."""

_base_ = "resnet50.py"

model = dict(
    backbone=dict(
        depth=101,
        dcn=dict(type="DCNv2", deform_groups=1, fallback_on_stride=False),
        stage_with_dcn=(False, True, True, True),
        init_cfg=dict(checkpoint="umop://resnet101"),
    )
)
