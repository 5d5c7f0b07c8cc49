"""TOOD's head, whose two parts of training stretch with its length."""

from __future__ import annotations

from typing import Any

from mmdet.models.dense_heads import TOODHead
from mmdet.registry import MODELS
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class ScheduledTOODHead(TOODHead):
    """TOOD (arXiv 2108.07755) for training of any length, counted in epochs or iterations.

    At first TOOD assigns anchors as ATSS does and has ``initial_loss_cls``; then it assigns those
    whose class and box agree and has ``loss_cls``. mmdet's head changes after
    ``train_cfg.initial_epoch`` epochs however many there are, and never where training counts
    iterations. This one changes at the same share of any training.

    Both losses are called once a level, with probabilities: they need ``activated=True``.

    Boxes are clipped to the image before the overlapping ones are dropped, as those of mmdet's
    other heads are.

    Args:
        epochs: The length of the schedule of which ``train_cfg.initial_epoch`` are the first part.

    Raises:
        ValueError: A progressive loss takes logits.
    """

    def __init__(self, *args: Any, epochs: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for loss in (self.initial_loss_cls, self.loss_cls):
            if not getattr(loss, "activated", True):
                raise ValueError(f"{type(loss).__name__} needs activated=True in TOOD's head")
        self.epochs = epochs

    @property
    def epoch(self) -> float:
        """How many of the schedule's epochs the training under way has done its share of."""
        hub = MessageHub.get_current_instance()
        return self.epochs * float(hub.get_info("iter", 0)) / float(hub.get_info("max_iters", 1))

    @epoch.setter
    def epoch(self, counted: int | None) -> None:
        """mmdet's head writes the epoch that it counts, which is not used."""

    def deform_sampling(self, feat: Tensor, offset: Tensor) -> Tensor:
        """Samples boxes in their own precision, of which a mixed one would leave whole strides."""
        sampled: Tensor = super().deform_sampling(feat, offset.to(feat.dtype))
        return sampled

    def _bbox_post_process(
        self, results: InstanceData, *args: Any, img_meta: dict[str, Any], **kwargs: Any
    ) -> InstanceData:
        height, width = img_meta["img_shape"][:2]
        corner = results.bboxes.new_tensor([width, height, width, height])
        results.bboxes = results.bboxes.clamp(min=0).minimum(corner)
        return super()._bbox_post_process(results, *args, img_meta=img_meta, **kwargs)
