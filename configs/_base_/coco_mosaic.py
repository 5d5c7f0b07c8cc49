"""COCO 2017 in mosaics of four images, two of which are blended; plain images at the end."""

_base_ = "coco.py"

size = (640, 640)
mosaic = (1280, 1280)
jitter = (0.1, 2.0)
tta_scales = [(320, 320), (640, 640), (960, 960)]
grey = dict(img=(114, 114, 114))
mixed = 1.0
flipped = 0.5

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Mosaic", img_scale=size, pad_val=114.0),
    dict(type="RandomResize", scale=mosaic, ratio_range=jitter, keep_ratio=True),
    dict(type="RandomCrop", crop_size=size),
    dict(type="YOLOXHSVRandomAug"),
    dict(type="RandomFlip", prob=flipped),
    dict(type="Pad", size=size, pad_val=grey),
    dict(
        type="OccasionalMixUp",
        prob=mixed,
        img_scale=size,
        ratio_range=(1.0, 1.0),
        pad_val=114.0,
    ),
    dict(type="PackDetInputs"),
]
last_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomResize", scale=size, ratio_range=jitter, keep_ratio=True),
    dict(type="RandomCrop", crop_size=size),
    dict(type="YOLOXHSVRandomAug"),
    dict(type="RandomFlip", prob=flipped),
    dict(type="Pad", size=size, pad_val=grey),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=10,
    batch_sampler=None,
    pin_memory=True,
    dataset=dict(
        type="MixedCocoDataset",
        pipeline=train_pipeline,
        last_pipeline=last_pipeline,
        last_share=20 / 300,
    ),
)
