"""Object storage, for both halves: the only package that imports obstore.

``umop`` reaches it through ``serving.shared``, as all that it uses of this package.
"""

from serving.storage.address import is_address, is_model, local_path
from serving.storage.errors import ConflictError, StorageError
from serving.storage.fetch import Objects, fetch, receive_object
from serving.storage.store import Store, StoredObject, Tag

__all__ = [
    "ConflictError",
    "Objects",
    "StorageError",
    "Store",
    "StoredObject",
    "Tag",
    "fetch",
    "is_address",
    "is_model",
    "local_path",
    "receive_object",
]
