"""Formats of results: a module for each, of the name in ``RESULT_FORMAT_NAMES``."""

from importlib import import_module

from serving.predict.formats.format import ResultFormat
from serving.schemas.names import RESULT_FORMAT_NAMES

__all__ = ["RESULT_FORMATS", "ResultFormat"]

RESULT_FORMATS: dict[str, ResultFormat] = {
    name: import_module(f"{__name__}.{name}").RESULT_FORMAT for name in RESULT_FORMAT_NAMES
}
