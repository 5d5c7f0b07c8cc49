"""Builds the wheel of mmcv with its compiled ops, once a machine, and prints its path.

mmcv is published as source: 78 C++ files that take 13 minutes on two cores, most of it spent
parsing PyTorch's headers again for every file. With those headers precompiled it takes 2 to 3.
The wheel is kept in ``$UMOP_CACHE/wheels`` (``~/.cache/umop`` unless set).

Run with the Python of an environment that holds torch, ninja and setuptools. CUDA ops are built
too where ``FORCE_CUDA=1`` or a GPU is visible; that needs the CUDA toolkit's ``nvcc``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import torch

logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)

from torch.utils import cpp_extension  # noqa: E402 (it logs while it is imported)

PIN = Path(__file__).with_name("mmcv.txt")
# GCC ignores a precompiled header, without a word, unless every flag is that of the files.
OPTIMISATION = ["-g0", "-O2", "-w"]
EXTENSION = [
    "-fPIC",
    "-std=c++17",
    "-DTORCH_API_INCLUDE_EXTENSION_H",
    "-DTORCH_EXTENSION_NAME=_ext",
]
STEP = re.compile(r"\[(\d+)/(\d+)\]")


def main() -> None:
    folder = cache_folder()
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        check_toolchain()
        with tempfile.TemporaryDirectory() as scratch:
            wheel = build(Path(scratch))
            folder.mkdir(parents=True, exist_ok=True)
            wheel = Path(shutil.move(wheel, folder))
    print(wheel)


def with_cuda() -> bool:
    return os.environ.get("FORCE_CUDA") == "1" or torch.cuda.is_available()


def architectures() -> str:
    """The GPUs that CUDA ops are built for: those named, or those of this machine."""
    named = os.environ.get("TORCH_CUDA_ARCH_LIST", "here")
    return re.sub(r"[\s;]+", "-", named.strip())


def cache_folder() -> Path:
    """One folder for each combination of source, torch, Python and kind of ops."""
    root = Path(os.environ.get("UMOP_CACHE") or Path.home() / ".cache" / "umop")
    source = hashlib.sha256(PIN.read_bytes()).hexdigest()[:8]
    ops = f"cuda-{architectures()}" if with_cuda() else "cpu"
    tag = f"mmcv-{source}-torch{torch.__version__}-{sys.implementation.cache_tag}-{ops}"
    return root / "wheels" / tag


def check_toolchain() -> None:
    if shutil.which(compiler()) is None:
        sys.exit(
            f"mmcv's ops need a C++ compiler and '{compiler()}' is not found. "
            "Install one (Debian: apt-get install g++) or name it in CXX."
        )
    if with_cuda() and cpp_extension.CUDA_HOME is None:
        sys.exit(
            "A GPU is visible, so mmcv's CUDA ops are needed, but there is no nvcc. Install the "
            f"CUDA {torch.version.cuda} toolkit or set CUDA_HOME, or hide the GPU with "
            "CUDA_VISIBLE_DEVICES= to build for the CPU."
        )


def compiler() -> str:
    return os.environ.get("CXX", "c++")


def build(scratch: Path) -> Path:
    """Builds the wheel in ``scratch``, showing progress on stderr."""
    log = scratch / "build.log"
    show("mmcv: precompiling PyTorch's headers")
    header = precompile_headers(scratch)
    environment = os.environ | {
        "CFLAGS": " ".join([*OPTIMISATION, "-include", str(header)]),
        "MMCV_WITH_OPS": "1",
        "MAX_JOBS": os.environ.get("MAX_JOBS", str(len(os.sched_getaffinity(0)))),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    pip = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation"]
    options = ["--no-binary=onedl-mmcv", "--require-hashes", "--requirement", str(PIN)]
    process = subprocess.Popen(
        [*pip, *options, "--wheel-dir", str(scratch)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with log.open("w") as lines:
        for line in process.stdout:
            lines.write(line)
            if step := STEP.search(line):
                show_step(int(step[1]), int(step[2]))
    if process.wait() != 0:
        sys.exit("mmcv did not build. The end of its log:\n" + log.read_text()[-3000:])
    return next(scratch.glob("*.whl"))


def precompile_headers(scratch: Path) -> Path:
    header = scratch / "pch.h"
    header.write_text("#include <torch/types.h>\n")
    folders = [*cpp_extension.include_paths(), sysconfig.get_paths()["include"]]
    includes = [flag for folder in folders for flag in ("-I", folder)]
    command = [compiler(), *OPTIMISATION, *EXTENSION, *includes, "-x", "c++-header"]
    subprocess.run([*command, str(header), "-o", f"{header}.gch"], check=True)
    return header


def show_step(done: int, total: int) -> None:
    """Shows each step on a terminal, every tenth elsewhere."""
    if sys.stderr.isatty():
        end = "\r" if done < total else "\n"
        print(f"mmcv: compiled {done} of {total} files", end=end, file=sys.stderr, flush=True)
    elif done % 10 == 0 or done == total:
        show(f"mmcv: compiled {done} of {total} files")


def show(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
