"""AdamW with a cosine decay; the number of steps follows from the number of images."""

_base_ = "runtime.py"

iterations = 300
evaluations = 3
interval = max(1, iterations // evaluations)
lr = 1e-3
warm_up = max(2, iterations // 15)
auto_schedule = dict(epochs=6, base_iters=300, min_iters=300, max_iters=6000)

train_cfg = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=interval)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=lr, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=warm_up),
    dict(
        type="CosineAnnealingLR",
        by_epoch=False,
        begin=warm_up,
        end=iterations,
        eta_min_ratio=0.01,
    ),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=interval))
log_processor = dict(by_epoch=False)
