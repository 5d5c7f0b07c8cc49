"""The bundle: all that passes from training to serving."""

from serving.bundle.errors import BundleError
from serving.bundle.reader import MANIFEST, UNREADABLE_ZIP, Bundle

__all__ = ["MANIFEST", "UNREADABLE_ZIP", "Bundle", "BundleError"]
