"""What every run shares: hooks, processes, logs."""

default_scope = "mmdet"

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=10, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="SafeCheckpointHook", interval=1, minutes=10, keep=2),
    finite_loss=dict(type="FiniteLossHook"),
    sampler_seed=None,
)
custom_hooks = [
    dict(type="FocusingHook"),
    dict(type="MetricsHook"),
    dict(type="ProgressHook"),
    dict(type="EstimateHook"),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)
log_processor = dict(type="LogProcessor", window_size=20, by_epoch=True)
log_level = "INFO"
visualizer = dict(type="Visualizer", vis_backends=None)
randomness = dict(seed=0)

load_from = None
resume = False
