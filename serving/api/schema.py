"""The OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from serving.api.services import Services
from serving.backends import NotReadyError

_ADMIN = "/admin"
_NAMED = "/models/{name}/"


def document(app: FastAPI) -> dict[str, Any]:
    """Returns the document of this service: its address, its keys, its model's classes."""
    services: Services = app.state.services
    described = app.openapi()
    if services.settings.root_path:
        described["servers"] = [{"url": services.settings.root_path}]
    for path, operation in _operations(described):
        if not services.settings.has_keys and not path.startswith(_ADMIN):
            operation.pop("security", None)
        if not path.startswith(_NAMED):
            _name_classes(operation, services)
    if not (services.settings.has_keys or services.settings.admin_keys):
        described["components"].pop("securitySchemes", None)
    return described


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in described["paths"].items():
        for operation in operations.values():
            yield path, operation


def _name_classes(operation: dict[str, Any], services: Services) -> None:
    """Says which values the parameter ``classes`` may have, once the model is loaded."""
    try:
        names = services.models.first.manifest().classes
    except NotReadyError:
        return
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "classes":
            kinds = parameter["schema"].get("anyOf", [parameter["schema"]])
            lists = (kind for kind in kinds if kind.get("type") == "array")
            for each in lists:
                each["items"] = {"type": "string", "enum": list(names)}


def inline_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Returns a model's JSON schema with no references, for a place outside the components."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolve(definitions[node["$ref"].rpartition("/")[2]])
        return {key: resolve(value) for key, value in node.items()}

    resolved: dict[str, Any] = resolve(schema)
    return resolved
