"""Puts a run's bundle into MLflow's model registry."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from serving.shared import (
    ARTIFACT,
    Bundle,
    BundleTags,
    Manifest,
    MlflowServer,
    RefusedError,
    put_artifact,
    sha256_of,
)
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.system.storage import readable_errors


@dataclass(frozen=True)
class Registration:
    """What the registry has of a bundle.

    Attributes:
        address: Which ``umop-serve --bundle`` takes.
        version: The number of its version.
        is_new: Whether it was not there before.
        page: Of the version, in MLflow.
    """

    address: str
    version: str
    is_new: bool
    page: str


def register(run: RunFolder, alias: str, name: str | None = None) -> Registration:
    """Gives an alias to the version of a model that is a run's bundle, and makes the version.

    Of the same bundle, with the same signature, there is one version only.

    Args:
        run: The run, whose bundle is exported.
        alias: What names the version; another version has it no longer.
        name: The model's name in the registry; the bundle's own if None.

    Raises:
        BundleError: The run has no bundle, or it is damaged.
        FetchError: MLflow does not answer.
        UserError: MLflow refuses.
    """
    bundle = Bundle.open(run.bundle)
    name = name or bundle.manifest.name
    with readable_errors(), TemporaryDirectory(dir=run.folder, prefix=".") as scratch:
        server = MlflowServer()
        file = bundle.pack(Path(scratch) / ARTIFACT)
        try:
            version, is_new = _registered(server, run, name, bundle.manifest, file)
            server.post("registered-models/alias", name=name, alias=alias, version=version)
        except LookupError as error:
            reason = f"{server.url} does not answer as MLflow does: it leaves {error} out."
            raise UserError(reason) from error
    page = f"{server.url}/#/models/{quote(name)}/versions/{version}"
    return Registration(f"models:/{name}@{alias}", version, is_new, page)


def _registered(
    server: MlflowServer, run: RunFolder, name: str, manifest: Manifest, file: Path
) -> tuple[str, bool]:
    """The number of the version that a file is, and whether it was made now."""
    tags = _tags(manifest, file)
    known = _version(server, name, tags[BundleTags.SHA256])
    return (known, False) if known else (_make(server, run, name, file, tags), True)


def _version(server: MlflowServer, name: str, sha256: str) -> str | None:
    """The number of the version that has a file; None where there is none."""
    question = f"tags.`{BundleTags.SHA256}` = '{sha256}'"
    found = server.get("model-versions/search", filter=question).get("model_versions", [])
    return next((str(each["version"]) for each in found if each["name"] == name), None)


def _make(server: MlflowServer, run: RunFolder, name: str, file: Path, tags: dict[str, str]) -> str:
    """Uploads the file, and makes a version of it; returns its number."""
    _require_model(server, name)
    source = _run_of(server, run)
    place = f"{source['artifact_uri']}/bundles/{tags[BundleTags.SHA256]}"
    put_artifact(server, place, file)
    made = server.post(
        "model-versions/create",
        name=name,
        source=place,
        run_id=source["run_id"],
        tags=_listed({**tags, "umop.run": run.name}),
    )
    return str(made["model_version"]["version"])


def _require_model(server: MlflowServer, name: str) -> None:
    try:
        server.post("registered-models/create", name=name)
    except RefusedError as error:
        if error.code != "RESOURCE_ALREADY_EXISTS":
            raise


def _run_of(server: MlflowServer, run: RunFolder) -> dict[str, Any]:
    """MLflow's description of a run: that which training logged to, or a new one."""
    if run.mlflow_id.is_file():
        try:
            known = server.get("runs/get", run_id=run.mlflow_id.read_text().strip())["run"]["info"]
        except RefusedError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
        else:
            if known["lifecycle_stage"] == "active":
                return dict(known)
    return _new_run(server, run)


def _new_run(server: MlflowServer, run: RunFolder) -> dict[str, Any]:
    now = round(time.time() * 1000)
    made = server.post(
        "runs/create", experiment_id=_experiment(server), run_name=run.name, start_time=now
    )["run"]["info"]
    server.post("runs/update", run_id=made["run_id"], status="FINISHED", end_time=now)
    if not run.mlflow_id.exists():  # one that does is training's, maybe of another server
        run.mlflow_id.write_text(f"{made['run_id']}\n")
    return dict(made)


def experiment_name(variables: Mapping[str, str]) -> str:
    """The MLflow experiment that the environment names, for training and for registering."""
    return variables.get("MLFLOW_EXPERIMENT_NAME", "umop")


def _experiment(server: MlflowServer) -> str:
    """The id of the experiment that training would log to; it is made where it is missing."""
    name = experiment_name(os.environ)
    try:
        found = server.get("experiments/get-by-name", experiment_name=name)["experiment"]
    except RefusedError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        found = server.post("experiments/create", name=name)
    return str(found["experiment_id"])


def _tags(manifest: Manifest, file: Path) -> dict[str, str]:
    """What a version says of its bundle: the file, the AP, and the data of its training."""
    tags = {BundleTags.SHA256: sha256_of(file), BundleTags.BYTES: str(file.stat().st_size)}
    if "AP" in manifest.metrics:
        tags["umop.ap"] = f"{manifest.metrics['AP']:.4f}"
    if starts := manifest.provenance.get("runs"):
        data = json.dumps(list(starts[-1].get("data", {}).values()))
        tags["umop.data_sha256"] = hashlib.sha256(data.encode()).hexdigest()
    return tags


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
