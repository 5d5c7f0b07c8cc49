"""Training, loading and serving on a GPU, as tables.

    python benchmarks/gpu.py

Training is a step on images in memory: UMOP and mmdet's ATSS, which differ in the loss, in
float32 and in bfloat16 where that can be; they take turns in this process. Loading is how many
images the data loaders give, to compare. Serving is a bundle with random weights in each engine.
``--device cpu --config small --size 64 --rounds 1`` runs all of it in small on a processor.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from export_parity import with_random_weights
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from training_step import draw_data

from serving.bundle import Bundle
from serving.inference.engines import open_engine
from umop.config.load import load_config
from umop.data.preparation.custom import read_data, use_data
from umop.distributed.signals import ended_loaders
from umop.export.manifest import manifest_of
from umop.export.onnx import write_onnx
from umop.export.program import trace, write_pt2
from umop.runs.folder import RunFolder
from umop.system.console import quietly

BATCHES = (1, 2, 4, 8, 16, 32)
BOXES = 8
FOCAL_LOSS = {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25}
ENGINES = ("torch", "onnxruntime")


@dataclass(frozen=True)
class Options:
    """What is measured, and how.

    Attributes:
        device: ``cuda`` or ``cpu``.
        config: The name of UMOP's config.
        size: Height and width of the images, in pixels.
        rounds: Times that each is measured; the median counts.
        most: The largest batch.
    """

    device: str
    config: str
    size: tuple[int, int]
    rounds: int
    most: int

    def batches(self) -> list[int]:
        return [batch for batch in BATCHES if batch <= self.most]


def main() -> None:
    options = parse()
    register_all_modules()
    print(f"{device_name(options)}, torch {torch.__version__}, `{options.config}`\n")
    train_side_by_side(options)
    scale_batch(options)
    with TemporaryDirectory() as folder:
        load(options, Path(folder))
        serve(options, Path(folder))


def parse() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--config", default="r50")
    parser.add_argument("--size", type=int, nargs="+", default=[800, 1344], help="height and width")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--most", type=int, default=32, help="the largest batch")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "No GPU was found: nvidia-smi shows what this machine has. See --help for the CPU."
        )
    size = given.size[0], given.size[-1]
    return Options(given.device, given.config, size, given.rounds, given.most)


def device_name(options: Options) -> str:
    return torch.cuda.get_device_name() if options.device == "cuda" else "a processor"


def train_side_by_side(options: Options) -> None:
    """Prints images a second of UMOP and ATSS, in each precision, as they take turns."""
    batch = min(2, options.most)
    steps = {
        (method, precision): step_of(options, method, precision, batch)
        for precision in ("float32", "bfloat16")
        for method in ("ATSS", "UMOP")
    }
    seconds = take_turns(steps, options)
    print("| training, batch of 2 | precision | images a second | of ATSS |\n|---|---|---|---|")
    for (method, precision), spent in seconds.items():
        ratio = seconds["ATSS", precision] / spent
        print(f"| {method} | {precision} | {batch / spent:.1f} | {ratio:.3f} |", flush=True)


def scale_batch(options: Options) -> None:
    """Prints images a second and memory for each batch, until there is too little memory."""
    print("\n| training UMOP, bfloat16 | images a second | memory |\n|---|---|---|")
    for batch in options.batches():
        if options.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            step = step_of(options, "UMOP", "bfloat16", batch)
            [spent] = take_turns({batch: step}, options).values()
        except torch.OutOfMemoryError:
            print(f"| batch of {batch} | out of memory | |")
            return
        print(f"| batch of {batch} | {batch / spent:.1f} | {peak_memory(options)} |", flush=True)


def peak_memory(options: Options) -> str:
    if options.device == "cpu":
        return "not measured"
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"


def step_of(options: Options, method: str, precision: str, batch: int) -> Callable[[], None]:
    """A training step of a method on a batch of its own."""
    config = without_weights(load_config(options.config))
    if method == "ATSS":
        config.model.bbox_head.loss_cls = FOCAL_LOSS
    torch.manual_seed(0)
    model = MODELS.build(config.model).to(options.device).train()
    if config.get("channels_last", False):
        model = model.to(memory_format=torch.channels_last)
    optimizer = build_optim_wrapper(model, {**config.optim_wrapper, "type": "OptimWrapper"})
    classes = config.model.bbox_head.num_classes
    images = [image(options.size, classes) for _ in range(batch)]
    data = {
        "inputs": [each[0] for each in images],
        "data_samples": [each[1] for each in images],
    }

    def step() -> None:
        with torch.autocast(options.device, torch.bfloat16, enabled=precision == "bfloat16"):
            losses = model(**model.data_preprocessor(data, True), mode="loss")
        optimizer.update_params(model.parse_losses(losses)[0])

    return step


def without_weights(config: Config) -> Config:
    """The config, to be built with random weights."""
    config.model.backbone.pop("init_cfg", None)
    if "pretrained" in config.model.backbone:
        config.model.backbone.pretrained = False
    return config


def image(size: tuple[int, int], classes: int) -> tuple[torch.Tensor, DetDataSample]:
    """A noisy image and boxes of random classes on it."""
    height, width = size
    corners = torch.rand(BOXES, 2) * torch.tensor([width / 2, height / 2])
    boxes = torch.cat([corners, corners + torch.rand(BOXES, 2) * min(size) / 2 + 4], dim=1)
    shapes = {"img_shape": size, "pad_shape": size, "ori_shape": size, "batch_input_shape": size}
    sample = DetDataSample(metainfo=shapes)
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.randint(classes, (BOXES,)))
    return torch.randint(256, (3, height, width), dtype=torch.uint8), sample


def take_turns(steps: dict[Any, Callable[[], object]], options: Options) -> dict[Any, float]:
    """The median seconds of each step."""
    times: dict[Any, list[float]] = {name: [] for name in steps}
    for turn in range(options.rounds + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if options.device == "cuda":
                torch.cuda.synchronize()
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: median(each) for name, each in times.items()}


def load(options: Options, folder: Path) -> None:
    """Prints how many images a second the training's data loader gives."""
    config = load_config(options.config)
    found = read_data(draw_data(folder / "data"), folder / "annotations")
    found.write_annotations()
    use_data(config, found)
    print("\n| loading | images a second |\n|---|---|")
    processes = 1
    while processes <= (os.cpu_count() or 1):
        config.train_dataloader.num_workers = processes
        with ended_loaders():
            with quietly():
                loader = Runner.build_dataloader(config.train_dataloader, seed=0)
            print(f"| processes: {processes} | {loading_rate(loader, options):.0f} |", flush=True)
        processes *= 2


def loading_rate(loader: Any, options: Options) -> float:
    """Images a second, after the first epoch."""
    batches = endless(loader)
    for _ in range(len(loader)):
        next(batches)
    count = max(options.rounds, 1) * 10
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return count * loader.batch_sampler.batch_size / (time.perf_counter() - started)


def endless(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


def serve(options: Options, folder: Path) -> None:
    """Prints images a second of a bundle with random weights, in each engine."""
    bundle = bundle_of(options, folder)
    print("\n| serving, only the network | batch | images a second |\n|---|---|---|")
    for name in ENGINES:
        engine = open_engine(bundle, name, device=options.device, trust_program=True)
        for batch in options.batches():
            images = np.random.default_rng(0).random((batch, 3, *options.size), np.float32)
            steps = {batch: lambda images=images, engine=engine: engine.run(images)}
            [spent] = take_turns(steps, options).values()
            print(f"| {name} | {batch} | {batch / spent:.1f} |", flush=True)


def bundle_of(options: Options, folder: Path) -> Bundle:
    """Exports the config with random weights."""
    run = RunFolder(folder / options.config)
    run.bundle.mkdir(parents=True)
    config, checkpoint = without_weights(load_config(options.config)), run.folder / "random.pth"
    with quietly():
        program = trace(with_random_weights(config, checkpoint))
        write_pt2(program, run.bundle / "model.pt2")
        write_onnx(program, run.bundle / "model.onnx")
        Bundle.write(run.bundle, manifest_of(run, config, checkpoint, "1.0"))
    return Bundle.open(run.bundle)


if __name__ == "__main__":
    main()
