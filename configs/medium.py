"""ResNet-50 for photographs of any kind, on one GPU: better than small, and slower."""

_base_ = ["_base_/resnet50.py", "_base_/own_data.py", "_base_/schedule_data.py"]

needs_gpu = True
model = dict(bbox_head=dict(num_classes=1))
size = (640, 640)
train_pipeline = [
    dict(type="LoadPicture"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomResize", scale=size, ratio_range=(0.6, 1.4), keep_ratio=True),
    dict(type="PhotoMetricDistortion"),
    dict(type="RandomCrop", crop_size=size, allow_negative_crop=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadPicture"),
    dict(type="Resize", scale=size, keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train_dataloader = dict(batch_size=8, num_workers=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=2, persistent_workers=True, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

iterations = 1500
auto_schedule = dict(epochs=36, min_iters=iterations, max_iters=24000)
train_cfg = dict(max_iters=iterations, val_interval=iterations // 10)
optim_wrapper = dict(type="AmpOptimWrapper", optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=100, end=iterations, eta_min=2e-6),
]
default_hooks = dict(checkpoint=dict(interval=iterations // 10))
