"""Tree crowns on aerial photographs: crops at native scale. For images of your own take small."""

_base_ = ["_base_/lite0.py", "_base_/own_data.py", "_base_/schedule_data.py"]

data_root = "data/crowns"
data_hint = "Fetch it with: umop data demo"
classes = ("tree",)
iterations = 240
evaluations = 1
warm_up = max(2, iterations // 12)

model = dict(
    bbox_head=dict(num_classes=len(classes)),
    test_cfg=dict(max_per_img=300, nms=dict(iou_threshold=0.5)),
)

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomResize", scale=(532, 504), ratio_range=(0.7, 1.4), keep_ratio=True),
    dict(type="PhotoMetricDistortion"),
    dict(type="RandomCrop", crop_size=(320, 320), allow_negative_crop=True),
    dict(
        type="RandomFlip",
        prob=[0.25, 0.25, 0.25],
        direction=["horizontal", "vertical", "diagonal"],
    ),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImage"),
    dict(type="Resize", scale_factor=1.0, keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

auto_schedule = None
default_hooks = dict(checkpoint=dict(interval=100))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=warm_up),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=warm_up, end=iterations, eta_min=1e-5),
]
