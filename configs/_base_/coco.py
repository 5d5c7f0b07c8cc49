"""COCO 2017: 118,287 images to train on, 5,000 to evaluate on, 1333×800 pixels."""

_base_ = "coco_format.py"

data_root = "data/coco"
train_annotations = "annotations/instances_train2017.json"
train_images = "train2017/"
val_annotations = "annotations/instances_val2017.json"
val_images = "val2017/"
data_hint = "Fetch it with: umop data coco (25 GB). Or name data of your own: --data /path"
classes = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    batch_sampler=dict(type="AspectRatioBatchSampler"),
    dataset=dict(filter_cfg=dict(min_size=32)),
)
val_dataloader = dict(num_workers=2, persistent_workers=True, drop_last=False)
test_dataloader = val_dataloader

flipped = 0.5
tta_model = dict(
    type="DetTTAModel", tta_cfg=dict(nms=dict(type="nms", iou_threshold=0.6), max_per_img=100)
)
tta_scales = [(1200, 800), (1300, 900), (1500, 1000), (1600, 1200)]
tta_pipeline = [
    dict(type="LoadImage"),
    dict(
        type="TestTimeAug",
        transforms=[
            [dict(type="Resize", scale=scale, keep_ratio=True) for scale in tta_scales],
            [dict(type="RandomFlip", prob=prob) for prob in ((0.0, 1.0) if flipped else (0.0,))],
            [dict(type="LoadAnnotations", with_bbox=True)],
            [
                dict(
                    type="PackDetInputs",
                    meta_keys=(
                        "img_id",
                        "img_path",
                        "ori_shape",
                        "img_shape",
                        "scale_factor",
                        "flip",
                        "flip_direction",
                    ),
                )
            ],
        ],
    ),
]
