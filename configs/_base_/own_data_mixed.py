"""Photographs of any kind, most of them made of parts of four; whole images at the end."""

_base_ = "own_data.py"

size = (416, 416)
scales = (0.8, 1.2)
parts = (0.6, 1.2)
stretch = 1.4
mixed = 0.6
blended = 0.3
blended_after = 6
flipped = 0.5
last = 0.3

load = [
    dict(type="LoadImage", keep_bytes=2**28),
    dict(type="LoadAnnotations", with_bbox=True),
]
distort = [
    dict(
        type="RandomResize",
        scale=size,
        ratio_range=scales,
        resize_type="StretchedResize",
        stretch=stretch,
    ),
    dict(type="YOLOXHSVRandomAug"),
    dict(type="RandomCrop", crop_size=size, allow_negative_crop=True),
    dict(type="RandomFlip", prob=flipped),
]
pack = [dict(type="PackDetInputs")]
collage = dict(type="Collage", img_scale=size, ratio_range=parts, prob=mixed)
blend = dict(
    type="OccasionalMixUp",
    img_scale=size,
    ratio_range=(1.0, 1.0),
    pad_val=114.0,
    prob=blended,
    begin=blended_after,
)
train_dataloader = dict(
    dataset=dict(
        type="MixedCocoDataset",
        pipeline=[*load, collage, *distort, blend, *pack],
        last_pipeline=[*load, *distort, *pack],
        last_share=last,
    ),
)
