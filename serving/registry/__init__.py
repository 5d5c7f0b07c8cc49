"""MLflow's model registry, for both halves, by its REST API: no package of MLflow's is needed."""

from serving.registry.artifacts import ARTIFACT, put_artifact
from serving.registry.models import BundleTags, Registered, find
from serving.registry.server import MlflowServer, RefusedError

__all__ = [
    "ARTIFACT",
    "BundleTags",
    "MlflowServer",
    "RefusedError",
    "Registered",
    "find",
    "put_artifact",
]
