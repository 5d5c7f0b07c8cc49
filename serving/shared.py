"""What ``umop`` uses of serving: the only module of this package that ``umop`` imports from.

Both halves must decode, draw and detect alike, so ``umop`` has no code of its own for that. A name
is imported when it is first used: ``umop --help`` loads none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.bundle import Bundle as Bundle
    from serving.bundle import BundleError as BundleError
    from serving.bundle.replace import replace_folder as replace_folder
    from serving.bundle.schema import InputSpec as InputSpec
    from serving.bundle.schema import Manifest as Manifest
    from serving.bundle.schema import PostprocessSpec as PostprocessSpec
    from serving.bundle.schema import Size as Size
    from serving.bundle.schema import TileSpec as TileSpec
    from serving.bundle.signature import Signer as Signer
    from serving.container import end_by_sigterm as end_by_sigterm
    from serving.cpu_limit import usable_cores as usable_cores
    from serving.inference.decoding import SWAPPING_ORIENTATIONS as SWAPPING_ORIENTATIONS
    from serving.inference.decoding import ImageError as ImageError
    from serving.inference.decoding import decode as decode
    from serving.inference.decoding import decode_whole as decode_whole
    from serving.inference.decoding import read_header as read_header
    from serving.inference.detector import Detector as Detector
    from serving.inference.difference_hash import difference_hash as difference_hash
    from serving.inference.draw import annotate as annotate
    from serving.inference.engines import EngineError as EngineError
    from serving.inference.merging import MOST_MERGED as MOST_MERGED
    from serving.inference.merging import merge as merge
    from serving.inference.merging import moved as moved
    from serving.inference.postprocess import Detections as Detections
    from serving.inference.postprocess import name_detections as name_detections
    from serving.inference.prediction import Prediction as Prediction
    from serving.inference.preprocess import preprocess as preprocess
    from serving.inference.preprocess import stack as stack
    from serving.inference.sources import AnyPath as AnyPath
    from serving.inference.tiles import TiledImage as TiledImage
    from serving.inference.tiles import TooSlowError as TooSlowError
    from serving.inference.windows import Window as Window
    from serving.inference.windows import windows as windows
    from serving.predict.command import PredictCommand as PredictCommand
    from serving.predict.command import PredictOptions as PredictOptions
    from serving.predict.command import Summary as Summary
    from serving.predict.inputs.errors import PredictError as PredictError
    from serving.predict.models import ModelOptions as ModelOptions
    from serving.predict.models import open_model as open_model
    from serving.registry import ARTIFACT as ARTIFACT
    from serving.registry import BundleTags as BundleTags
    from serving.registry import MlflowServer as MlflowServer
    from serving.registry import RefusedError as RefusedError
    from serving.registry import put_artifact as put_artifact
    from serving.schemas.detections import DetectResponse as DetectResponse
    from serving.schemas.labelstudio import labelstudio_interface as labelstudio_interface
    from serving.schemas.labelstudio import labelstudio_region as labelstudio_region
    from serving.schemas.labelstudio import labelstudio_task as labelstudio_task
    from serving.schemas.names import IMAGE_SUFFIXES as IMAGE_SUFFIXES
    from serving.schemas.names import LARGEST_WINDOW as LARGEST_WINDOW
    from serving.schemas.names import RESULT_FORMAT_NAMES as RESULT_FORMAT_NAMES
    from serving.schemas.names import SMALLEST_WINDOW as SMALLEST_WINDOW
    from serving.schemas.names import ArchiveEngine as ArchiveEngine
    from serving.schemas.names import EngineName as EngineName
    from serving.schemas.names import Precision as Precision
    from serving.schemas.options import DetectOptions as DetectOptions
    from serving.schemas.options import Tiles as Tiles
    from serving.schemas.options import UnknownClassError as UnknownClassError
    from serving.schemas.voc import voc_annotation as voc_annotation
    from serving.schemas.voc import voc_object as voc_object
    from serving.schemas.xml import element as element
    from serving.schemas.xml import text_of as text_of
    from serving.schemas.yolo import yolo_line as yolo_line
    from serving.storage import ConflictError as ConflictError
    from serving.storage import Objects as Objects
    from serving.storage import StorageError as StorageError
    from serving.storage import Store as Store
    from serving.storage import StoredObject as StoredObject
    from serving.storage import Tag as Tag
    from serving.storage import fetch as fetch
    from serving.storage import is_address as is_address
    from serving.storage import local_path as local_path
    from serving.storage import receive_object as receive_object
    from serving.storage.cache import cache_folder as cache_folder
    from serving.storage.digest import sha256_of as sha256_of
    from serving.storage.digest import sha256_of_stream as sha256_of_stream
    from serving.torchserve.archive import WorkerOptions as WorkerOptions
    from serving.torchserve.archive import write_archive as write_archive
    from serving.zips import DAMAGED_ZIP as DAMAGED_ZIP
    from serving.zips import ZipBombError as ZipBombError
    from serving.zips import unpacked_size as unpacked_size
else:
    _HOMES = {
        "serving.bundle": ("Bundle", "BundleError"),
        "serving.bundle.replace": ("replace_folder",),
        "serving.bundle.schema": ("InputSpec", "Manifest", "PostprocessSpec", "Size", "TileSpec"),
        "serving.bundle.signature": ("Signer",),
        "serving.container": ("end_by_sigterm",),
        "serving.cpu_limit": ("usable_cores",),
        "serving.inference.decoding": (
            *("SWAPPING_ORIENTATIONS", "ImageError", "decode", "decode_whole", "read_header"),
        ),
        "serving.inference.detector": ("Detector",),
        "serving.inference.difference_hash": ("difference_hash",),
        "serving.inference.draw": ("annotate",),
        "serving.inference.engines": ("EngineError",),
        "serving.inference.merging": ("MOST_MERGED", "merge", "moved"),
        "serving.inference.postprocess": ("Detections", "name_detections"),
        "serving.inference.prediction": ("Prediction",),
        "serving.inference.preprocess": ("preprocess", "stack"),
        "serving.inference.sources": ("AnyPath",),
        "serving.inference.tiles": ("TiledImage", "TooSlowError"),
        "serving.inference.windows": ("Window", "windows"),
        "serving.predict.command": ("PredictCommand", "PredictOptions", "Summary"),
        "serving.predict.inputs.errors": ("PredictError",),
        "serving.predict.models": ("ModelOptions", "open_model"),
        "serving.registry": (
            *("ARTIFACT", "BundleTags", "MlflowServer", "RefusedError", "put_artifact"),
        ),
        "serving.schemas.detections": ("DetectResponse",),
        "serving.schemas.labelstudio": (
            *("labelstudio_interface", "labelstudio_region", "labelstudio_task"),
        ),
        "serving.schemas.names": (
            *("IMAGE_SUFFIXES", "LARGEST_WINDOW", "RESULT_FORMAT_NAMES", "SMALLEST_WINDOW"),
            *("ArchiveEngine", "EngineName", "Precision"),
        ),
        "serving.schemas.options": ("DetectOptions", "Tiles", "UnknownClassError"),
        "serving.schemas.voc": ("voc_annotation", "voc_object"),
        "serving.schemas.xml": ("element", "text_of"),
        "serving.schemas.yolo": ("yolo_line",),
        "serving.storage": (
            *("ConflictError", "Objects", "StorageError", "Store", "StoredObject", "Tag"),
            *("fetch", "is_address", "local_path", "receive_object"),
        ),
        "serving.storage.cache": ("cache_folder",),
        "serving.storage.digest": ("sha256_of", "sha256_of_stream"),
        "serving.torchserve.archive": ("WorkerOptions", "write_archive"),
        "serving.zips": ("DAMAGED_ZIP", "ZipBombError", "unpacked_size"),
    }
    _HOME = {name: module for module, names in _HOMES.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)

    def __dir__() -> list[str]:
        return sorted(_HOME)
