"""The bundle: all that passes from training to serving."""

from serving.bundle.errors import BundleError
from serving.bundle.reader import Bundle
from serving.bundle.schema import MANIFEST

__all__ = ["MANIFEST", "Bundle", "BundleError"]
