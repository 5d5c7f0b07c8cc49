"""The network as it is served: normalised pixels in, candidate boxes out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Candidates = tuple[Tensor, Tensor, Tensor]


class ServedDetector(nn.Module):
    """A detector with ATSS's head, up to but not including non-maximum suppression.

    It keeps what mmdet keeps: of each pyramid level the best (anchor, class) pairs by class
    probability, those above the score threshold; a candidate's score is class probability times
    centerness.

    Args:
        detector: mmdet's ``SingleStageDetector`` with an ``ATSSHead``. Its parameters may be of
            half precision; what follows the head is computed in single precision.
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.neck = detector.neck
        self.head = detector.bbox_head
        self.threshold: float = detector.test_cfg.score_thr
        self.per_level: int = detector.test_cfg.nms_pre
        self.dtype = next(detector.parameters()).dtype

    def forward(self, image: Tensor) -> Candidates:
        """Finds candidates.

        Args:
            image: Normalised RGB, float of shape (N, 3, H, W).

        Returns:
            Boxes, float (N, K, 4), xyxy in input pixels, not clipped; scores, float (N, K), 0
            where there is no candidate; labels, int64 (N, K). K is the number of candidates of
            a level times the number of levels.
        """
        outputs = self.head(self.neck(self.backbone(image.to(self.dtype))))
        levels = enumerate(zip(*outputs, strict=True))
        candidates = [self.level(i, *(maps.float() for maps in level)) for i, level in levels]
        boxes, scores, labels = (torch.cat(parts, dim=1) for parts in zip(*candidates, strict=True))
        return boxes, scores, labels

    def level(self, index: int, logits: Tensor, deltas: Tensor, centerness: Tensor) -> Candidates:
        """Finds the candidates of one pyramid level."""
        height, width = logits.shape[-2:]
        classes: int = self.head.cls_out_channels
        probabilities = channels_last(logits, classes).sigmoid().flatten(1)
        probabilities, pairs = self.best(probabilities)
        anchors, labels = pairs // classes, pairs % classes

        centers = channels_last(centerness, 1).sigmoid().squeeze(2)
        scores = probabilities * centers.gather(1, anchors)
        scores = torch.where(probabilities > self.threshold, scores, 0.0)

        indices = anchors.unsqueeze(2).expand(-1, -1, 4)
        chosen = channels_last(deltas, 4).gather(1, indices)
        priors = self.priors(height, width, index, logits).gather(1, indices)
        boxes = self.head.bbox_coder.decode(priors.flatten(0, 1), chosen.flatten(0, 1))
        return boxes.view(-1, self.per_level, 4), scores, labels

    def best(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """The best pairs of each picture, padded with 0 where a level has fewer."""
        padded = nn.functional.pad(probabilities, (0, self.per_level))
        values, indices = padded.topk(self.per_level, dim=1)
        return values, torch.where(values > 0, indices, 0)

    def priors(self, height: int, width: int, index: int, like: Tensor) -> Tensor:
        """One square anchor a location: float (N, height · width, 4), xyxy in input pixels."""
        generator = self.head.prior_generator
        stride_x, stride_y = generator.strides[index]
        columns = torch.arange(width, device=like.device, dtype=like.dtype) * stride_x
        rows = torch.arange(height, device=like.device, dtype=like.dtype) * stride_y
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        corners = torch.stack([x, y, x, y], dim=2).flatten(0, 1)
        priors = corners + generator.base_anchors[index].to(like)
        return priors.unsqueeze(0).expand(like.shape[0], -1, -1)


def channels_last(maps: Tensor, channels: int) -> Tensor:
    """Reshapes (N, channels, H, W) to (N, H · W, channels)."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, channels)
