"""The command without a subcommand: the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from pydantic import ValidationError

from serving.cli.mistakes import mistake, one_line
from serving.cli.settings import one_option_a_setting
from serving.settings import Settings


@one_option_a_setting
def serve_bundle(context: typer.Context, **options: Any) -> None:
    """Serve a bundle: POST /detect returns the objects in an image.

    Every option is also an environment variable; an option takes precedence. API keys are set by
    UMOP_API_KEYS and UMOP_ADMIN_KEYS, or in a file, because other users can see arguments.
    """
    if context.invoked_subcommand:
        _refuse_misplaced(context, options)
        return
    if not options["bundle"]:
        del options["bundle"]  # the variable counts
    try:
        settings = Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        raise mistake(f"{first['loc'][0]}: {first['msg']}") from None
    from serving.server.process import StartError
    from serving.server.start import serve

    with one_line(StartError):
        serve(settings)


def _refuse_misplaced(context: typer.Context, options: Mapping[str, Any]) -> None:
    """Refuses options of the service before a subcommand, which would ignore them."""
    for name in options:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise mistake(
                f"{option} is not an option of {context.invoked_subcommand}; "
                f"see umop-serve {context.invoked_subcommand} --help"
            )
