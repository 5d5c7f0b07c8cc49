"""Writes pages of HTML from templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from umop.system.errors import UserError


def write_page(path: Path, package: str, template: str, **content: Any) -> Path:
    """Fills a template.

    Args:
        path: The file to write; its folder is made.
        package: Its folder ``templates`` holds the template.
        template: The template's file.
        content: The template's variables.

    Raises:
        UserError: The page cannot be written.
    """
    environment = Environment(
        loader=PackageLoader(package), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template(template).render(**content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    return path
