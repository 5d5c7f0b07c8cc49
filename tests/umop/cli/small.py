"""Options that make training short."""

from __future__ import annotations

SMALL = [
    "--set", "train_cfg.max_iters=4",
    "--set", "train_cfg.val_interval=4",
    "--set", "default_hooks.checkpoint.interval=2",
    "--set", "train_dataloader.batch_size=2",
    "--set", "train_dataloader.num_workers=0",
    "--set", "train_dataloader.persistent_workers=False",
    "--set", "model.backbone.pretrained=False",
    "--set", "custom_hooks.0.interval=2",
    "--set", "custom_hooks.1.interval=2",
]  # fmt: skip
