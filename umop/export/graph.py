"""The network as it is served: normalised pixels in, candidate boxes out."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.dense_heads import GFLHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.task_modules.prior_generators import MlvlPointGenerator
from torch import Tensor, nn

from umop.models import ScheduledTOODHead
from umop.system.errors import UserError

_Candidates = tuple[Tensor, Tensor, Tensor]


class ServedDetector(nn.Module):
    """A one-stage detector, up to but not including non-maximum suppression.

    It keeps what mmdet keeps: of each pyramid level the best (prior, class) pairs by class
    probability, those above the score threshold; a candidate's score is class probability, times
    centerness where the head has it.

    Args:
        detector: mmdet's ``SingleStageDetector`` with a head that predicts as most of mmdet's do:
            ATSS, RetinaNet, FCOS, FSAF, GFL, RTMDet, TOOD, VarifocalNet. Its parameters may be of
            half precision; what follows the head is computed in single precision.

    Raises:
        UserError: The head predicts in a way of its own.
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        _require_common_head(detector.bbox_head)
        self.backbone = detector.backbone
        self.neck = detector.neck
        self.head = detector.bbox_head
        self.threshold: float = detector.test_cfg.score_thr
        self.per_level: int = detector.test_cfg.nms_pre
        self.dtype = next(detector.parameters()).dtype
        self.reads_bgr = not detector.data_preprocessor._channel_conversion

    def forward(self, image: Tensor) -> _Candidates:
        """Finds candidates.

        Args:
            image: Normalised RGB, float of shape (N, 3, H, W).

        Returns:
            Boxes, float (N, K, 4), xyxy in input pixels, not clipped; scores, float (N, K), 0
            where there is no candidate; labels, int64 (N, K). K is the number of candidates of
            a level times the number of levels.
        """
        image = image.flip(1) if self.reads_bgr else image
        outputs = self.head(self.neck(self.backbone(image.to(self.dtype))))
        levels = enumerate(zip(*outputs, strict=True))
        candidates = [self.level(i, *(maps.float() for maps in level)) for i, level in levels]
        boxes, scores, labels = (torch.cat(parts, dim=1) for parts in zip(*candidates, strict=True))
        return boxes, scores, labels

    def level(self, index: int, logits: Tensor, boxes: Tensor, *centerness: Tensor) -> _Candidates:
        """Finds the candidates of one pyramid level.

        Args:
            index: The level, from 0, in the order of the head's outputs.
            logits: Of the classes, float of shape (N, A · C, H, W), for A priors at each place;
                their probabilities for TOOD.
            boxes: As the head encodes them, float of shape (N, A · 4, H, W); A · 4 · bins for GFL.
            centerness: Its logits where the head has it, float of shape (N, A, H, W).
        """
        classes: int = self.head.cls_out_channels
        probabilities, pairs = self.best(self.probabilities(_rows(logits, classes)).flatten(1))
        anchors, labels = pairs // classes, pairs % classes

        scores = torch.where(probabilities > self.threshold, probabilities, 0.0)
        for factor in centerness:
            scores = scores * _rows(factor, 1).sigmoid().squeeze(2).gather(1, anchors)

        priors = self.priors(index, logits)
        encoded = _rows(boxes, boxes.shape[1] // (logits.shape[1] // classes))
        decoded = self.decode(index, _pick(priors, anchors), _pick(encoded, anchors))
        return decoded.view(-1, self.per_level, 4), scores, labels

    def probabilities(self, outputs: Tensor) -> Tensor:
        """The probabilities that the head's outputs for the classes mean, of the same shape."""
        return outputs if isinstance(self.head, ScheduledTOODHead) else outputs.sigmoid()

    def best(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """The best pairs of each image, padded with 0 where a level has fewer."""
        padded = nn.functional.pad(probabilities, (0, self.per_level))
        values, indices = padded.topk(self.per_level, dim=1)
        return values, torch.where(values > 0, indices, 0)

    def priors(self, index: int, like: Tensor) -> Tensor:
        """The points or anchors of a level's map: float (N, P, 2 or 4), in input pixels."""
        generator = self.head.prior_generator
        stride_x, stride_y = generator.strides[index]
        height, width = like.shape[-2:]
        columns = torch.arange(width, device=like.device, dtype=like.dtype) * stride_x
        lines = torch.arange(height, device=like.device, dtype=like.dtype) * stride_y
        y, x = torch.meshgrid(lines, columns, indexing="ij")
        points = torch.stack([x, y], dim=2).view(-1, 1, 2)
        if isinstance(generator, MlvlPointGenerator):
            priors = points + generator.offset * points.new_tensor([stride_x, stride_y])
        else:
            priors = points.repeat(1, 1, 2) + generator.base_anchors[index].to(like)
        return priors.flatten(0, 1).unsqueeze(0).expand(like.shape[0], -1, -1)

    def decode(self, index: int, priors: Tensor, encoded: Tensor) -> Tensor:
        """Turns the head's outputs to boxes: float (M, 4), xyxy in input pixels.

        Args:
            index: The pyramid level, from 0.
            priors: Points or xyxy anchors, float of shape (M, 2 or 4), in input pixels.
            encoded: The head's outputs for them, float of shape (M, 4), of GFL (M, 4 · bins).
        """
        if isinstance(self.head, ScheduledTOODHead):
            return encoded * self.head.prior_generator.strides[index][0]
        if isinstance(self.head, GFLHead):
            priors = self.head.anchor_center(priors)
            encoded = _expectations(encoded) * self.head.prior_generator.strides[index][0]
        boxes: Tensor = self.head.bbox_coder.decode(priors, encoded)
        return boxes


def _require_common_head(head: nn.Module) -> None:
    """Checks that a head predicts as most of mmdet's do, which is what :class:`ServedDetector` has.

    Raises:
        UserError: It does not.
    """
    predict = getattr(type(head), "_predict_by_feat_single", None)
    common = (BaseDenseHead._predict_by_feat_single, GFLHead._predict_by_feat_single)
    known = predict in common or isinstance(head, ScheduledTOODHead)
    if not known or not head.use_sigmoid_cls:
        raise UserError(
            f"{type(head).__name__} cannot be exported: it selects its boxes in a way of its own. "
            "The heads of ATSS, RetinaNet, FCOS, FSAF, GFL, RTMDet, VarifocalNet and, as "
            "ScheduledTOODHead, TOOD can."
        )


def _expectations(logits: Tensor) -> Tensor:
    """The four distances that GFL's head has distributions of (arXiv 2006.04388, Eq. 5).

    Rewritten, because ONNX's exporter cannot translate mmdet's conversion of a constant.

    Args:
        logits: Float (M, 4 · bins).

    Returns:
        Float (M, 4), in strides.
    """
    distributions = logits.reshape(logits.shape[0], 4, -1).softmax(dim=2)
    bins = distributions.shape[2]
    return distributions @ torch.arange(bins, device=logits.device, dtype=logits.dtype)


def _rows(maps: Tensor, channels: int) -> Tensor:
    """Reshapes (N, A · channels, H, W) to (N, H · W · A, channels)."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, channels)


def _pick(values: Tensor, anchors: Tensor) -> Tensor:
    """Picks rows of (N, P, C) by int64 (N, K) and joins the images: (N · K, C)."""
    indices = anchors.unsqueeze(2).expand(-1, -1, values.shape[2])
    return values.gather(1, indices).flatten(0, 1)
