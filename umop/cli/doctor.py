"""Look at the machine: ``umop doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from umop.system.exit_codes import MISTAKE


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say whether training works on this machine; exit code 2 if it could not."""
    from umop.doctor import examine, verdict_of
    from umop.doctor.show import as_lines, conclusion, diagnoses_as_json

    diagnoses = []
    for diagnosis in examine():
        diagnoses.append(diagnosis)
        if not json_:
            typer.echo(as_lines(diagnosis))
    typer.echo(diagnoses_as_json(diagnoses) if json_ else conclusion(diagnoses))
    if verdict_of(diagnoses) == "fail":
        raise typer.Exit(MISTAKE)
