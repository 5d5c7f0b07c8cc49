"""Photographs of any kind, to be named with --data: whole images, scaled with their ratio."""

_base_ = "coco_format.py"

data_root = "data/own"
data_hint = "Name the folder of your data: --data /path"
size = (416, 416)
scales = (0.8, 1.2)
flipped = 0.5
auto_size = dict(base_size=416, min_box=18, max_size=832)

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomResize", scale=size, ratio_range=scales, keep_ratio=True),
    dict(type="PhotoMetricDistortion"),
    dict(type="RandomCrop", crop_size=size, allow_negative_crop=True),
    dict(type="RandomFlip", prob=flipped),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    sampler=dict(type="InfiniteSampler"),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(num_workers=0)
test_dataloader = val_dataloader
