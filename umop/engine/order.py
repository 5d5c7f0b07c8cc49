"""The order of the training data, from any iteration on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

from mmengine.dist import get_dist_info
from torch.utils.data import BatchSampler, DataLoader, Dataset

from umop.engine.randomness import sample_drawn

_Numbered = tuple[int, int, bool]
"""Index of a sample in the data set, the number that its augmentation is drawn from, and whether
it is of the last part of training."""


class ResumableBatches(BatchSampler):
    """The batches of another batch sampler, starting anywhere.

    The other sampler's order may depend on its seed and ``set_epoch`` only. No image is read to
    get to the start.

    Args:
        batches: Gives the batches of one epoch.
        endless: Whether one epoch follows the other without end, for iteration-based training.
        is_last: Whether an iteration, counted from 0, is of the last part of training.
    """

    def __init__(
        self, batches: BatchSampler, endless: bool, is_last: Callable[[int], bool] = lambda _: False
    ) -> None:
        self.batches = batches
        self.endless = endless
        self.is_last = is_last
        self.sampler: Any = batches.sampler
        self.batch_size = batches.batch_size
        self.drop_last = batches.drop_last
        self.rank, self.ranks = get_dist_info()
        self.start_at(0, 0)

    def start_at(self, epoch: int, batch: int) -> None:
        """Makes the next pass start with a batch, counted from the start of an epoch."""
        self.epoch = epoch
        self.batch = batch

    def __iter__(self) -> Iterator[list[_Numbered]]:  # type: ignore[override]
        first = self.epoch * len(self) + self.batch
        rest = islice(self.epochs(), self.batch, None)
        for iteration, batch in enumerate(rest, first):
            is_last = self.is_last(iteration)
            yield [
                (index, self.number(iteration, slot), is_last) for slot, index in enumerate(batch)
            ]

    def epochs(self) -> Iterator[list[int]]:
        """The batches of the epoch, or of all that follow."""
        for epoch in count(self.epoch) if self.endless else [self.epoch]:
            if hasattr(self.sampler, "set_epoch"):
                self.sampler.set_epoch(epoch)
            yield from self.batches

    def number(self, iteration: int, slot: int) -> int:
        """A number that no other sample of the run has."""
        return (iteration * self.batch_size + slot) * self.ranks + self.rank

    def __len__(self) -> int:
        return len(self.batches)


class _SeededSamples(Dataset[Any]):
    """A data set whose augmentation is drawn from the sample's number, in whatever process.

    Args:
        dataset: The data set, augmentation included.
        seed: Seed of the run.
    """

    def __init__(self, dataset: Dataset[Any], seed: int) -> None:
        self.dataset = dataset
        self.seed = seed
        self.metainfo = getattr(dataset, "metainfo", None)

    def __getitem__(self, numbered: _Numbered) -> Any:
        index, number, is_last = numbered
        if hasattr(self.dataset, "is_last"):
            self.dataset.is_last = is_last
        if hasattr(self.dataset, "passes"):
            self.dataset.passes = number / len(self)
        with sample_drawn(self.seed, number):
            return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]


def resumable(loader: DataLoader[Any], batches: ResumableBatches, seed: int) -> DataLoader[Any]:
    """The same data loader over :class:`ResumableBatches` and :class:`_SeededSamples`.

    Args:
        loader: Gives the data set, the workers and how samples are joined to a batch.
        batches: The loader's batches, from where training starts.
        seed: Seed of the run, from which augmentation is drawn.
    """
    return DataLoader(
        _SeededSamples(loader.dataset, seed),
        batch_sampler=batches,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
    )
