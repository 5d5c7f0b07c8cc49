"""ResNet-50 for photographs of any kind, on one GPU: better than small, and slower."""

_base_ = ["_base_/resnet50.py", "_base_/own_data.py", "_base_/schedule_data.py"]

needs_gpu = True
size = (640, 640)
scales = (0.6, 1.4)
iterations = 1500
evaluations = 10
lr = 2e-4

model = dict(bbox_head=dict(num_classes=1))
auto_size = dict(base_size=640, max_size=1024)
auto_weights = "coco"
auto_schedule = dict(epochs=36, base_iters=1500, min_iters=1500, max_iters=24000)
optim_wrapper = dict(type="AmpOptimWrapper")
train_dataloader = dict(batch_size=8, num_workers=4)
val_dataloader = dict(num_workers=2, persistent_workers=True)
test_dataloader = val_dataloader
