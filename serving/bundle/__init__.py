"""The bundle: all that passes from training to serving."""

from serving.bundle.reader import MANIFEST, UNREADABLE_ZIP, Bundle, BundleError

__all__ = ["MANIFEST", "UNREADABLE_ZIP", "Bundle", "BundleError"]
