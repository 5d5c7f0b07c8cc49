"""Samples that are mixed from several images, and are the same in every start of a run.

mmdet's ``CachedMosaic`` and ``CachedMixUp`` mix with images that their process has loaded before,
which a run that is resumed has not. Here the others are drawn from all of the data set, with the
random numbers of the sample.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from mmcv.transforms import BaseTransform
from mmdet.datasets import CocoDataset
from mmdet.datasets.transforms import MixUp, Mosaic
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, TRANSFORMS

from umop.data.pipeline.collage import Collage

_Sample = dict[str, Any]
_OTHERS = {Collage: 3, Mosaic: 3, MixUp: 1}
"""How many other images a step mixes in."""


@TRANSFORMS.register_module()
class OccasionalMixUp(MixUp):
    """mmdet's ``MixUp`` of a share of the samples.

    The other image is not flipped again, as the pipeline has flipped it already, or must not.

    Args:
        prob: That share, which the data set draws, with the other image.
        begin: Passes over the images before the first is mixed.
    """

    def __init__(self, *args: Any, prob: float, begin: float = 0, **kwargs: Any) -> None:
        super().__init__(*args, flip_ratio=1.0, **kwargs)  # mmdet flips where it is exceeded
        self.share = prob
        self.begin = begin


@DATASETS.register_module()
class MixedCocoDataset(CocoDataset):
    """Annotations in COCO's format, for a pipeline with ``Collage``, ``Mosaic`` or ``MixUp``.

    The images that are mixed in have passed the steps before the one that mixes.

    Args:
        last_pipeline: The pipeline of the last part of training, without mixing.
        last_share: That part's share of training.

    Attributes:
        passes: How often training has gone over the images before a sample; the loop says so.
        is_last: Whether samples are of the last part; the training loop says so.
    """

    passes = 0.0
    is_last = False

    def __init__(
        self, *args: Any, last_pipeline: Sequence[Any], last_share: float, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.last_pipeline = Compose(last_pipeline)
        self.last_share = last_share

    def prepare_data(self, idx: int) -> _Sample | None:
        pipeline = self.last_pipeline if self.is_last else self.pipeline
        return self._run(idx, pipeline.transforms)

    def _run(self, index: int, steps: Sequence[BaseTransform]) -> _Sample | None:
        """Loads one image and takes it through steps; None where one of them rejects it."""
        sample: Any = self.get_data_info(index)
        for place, step in enumerate(steps):
            if others := sum(_OTHERS[kind] for kind in _OTHERS if isinstance(step, kind)):
                if not self._is_due(step):
                    continue
                sample["mix_results"] = [self._draw(steps[:place]) for _ in range(others)]
            sample = step(sample)
            if sample is None:
                return None
        return sample

    def _is_due(self, step: BaseTransform) -> bool:
        """Whether a step that mixes is to change this sample; ``Mosaic`` changes all."""
        begun = self.passes >= getattr(step, "begin", 0)
        return random.random() < getattr(step, "share", 1.0) and begun

    def _draw(self, steps: Sequence[BaseTransform]) -> _Sample:
        """Draws an image and takes it through steps, until they accept one.

        Raises:
            RuntimeError: They accept none.
        """
        for _ in range(self.max_refetch):
            sample = self._run(random.randrange(len(self)), steps)
            if sample is not None:
                return sample
        raise RuntimeError(f"none of {self.max_refetch} images passes the pipeline")
