"""300 epochs of AdamW on 256 images a step (8 GPUs with 32 each); the averaged weights are kept."""

_base_ = "runtime.py"

needs_gpu = True
auto_schedule = dict(epochs=60, base_epochs=300, min_iters=1000, max_iters=20000)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300, val_interval=10)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=4e-3, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-5, by_epoch=False, begin=0, end=1000),
    dict(
        type="CosineAnnealingLR",
        eta_min_ratio=0.05,
        by_epoch=True,
        begin=150,
        end=300,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(enable=True, base_batch_size=256)
custom_hooks = [
    dict(type="FocusingHook"),
    dict(type="MetricsHook"),
    dict(type="ProgressHook"),
    dict(type="EstimateHook"),
    dict(
        type="EMAHook",
        ema_type="ExpMomentumEMA",
        momentum=0.0002,
        update_buffers=True,
        priority=49,
    ),
]
