"""Options of the service, one for each setting."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from serving.settings import Settings


def one_option_a_setting(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command of (context, **options) an option for each setting that is not a secret."""
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    parameters = [context]
    for name, field in Settings.model_fields.items():
        if not field.repr:  # a secret: `ps` shows arguments to all users
            continue
        is_list = isinstance(field.default, tuple)
        repeats = name == "bundle"
        variable = f"UMOP_{name.upper()}"
        shown = f"[env var: {variable}; default: {_shown(field.default)}]"
        option = typer.Option(
            envvar=None if repeats else variable,  # which would be split at blanks
            show_envvar=False,
            show_default=False,
            help=f"{field.description}  {shown}",
        )
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if repeats else ",".join(field.default) if is_list else field.default,
                annotation=Annotated[
                    list[str] | None if repeats else str if is_list else field.annotation, option
                ],
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _shown(default: object) -> str:
    if default in (None, ()):
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)
