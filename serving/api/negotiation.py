"""Which output format a request gets (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request

from serving.api.formats import OUTPUT_FORMATS
from serving.api.formats.output import OutputFormat
from serving.api.problems import Problem

_MOST_SEPARATORS = 200
"""A browser's header has some twenty."""


def negotiate(
    request: Request, wanted: str | None, offers: Sequence[OutputFormat] = OUTPUT_FORMATS
) -> OutputFormat:
    """Picks a format: what ``?format=`` names if given, else by ``Accept``.

    Args:
        request: The request.
        wanted: The name that ``?format=`` gives.
        offers: Formats that the response can have.

    Raises:
        Problem: 406, the request accepts none of ``offers``, or names too many media types.
    """
    if wanted:
        found = next((each for each in offers if each.name == wanted), None)
    else:
        found = _most_wanted(_accepted(request), offers)
    if found is None:
        raise _not_acceptable(offers)
    return found


def _accepted(request: Request) -> str:
    accept = ", ".join(request.headers.getlist("accept")) or "*/*"
    if accept.count(",") + accept.count(";") > _MOST_SEPARATORS:
        detail = f"Accept has more than {_MOST_SEPARATORS} commas and semicolons; send fewer"
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", detail)
    return accept


def _most_wanted(accept: str, offers: Sequence[OutputFormat]) -> OutputFormat | None:
    """The offer of the highest quality; of several, the one that ``accept`` names first."""
    ranges = [_parse(entry) for entry in accept.split(",")]
    ranked = [(*_wish(each.media_type, ranges), each) for each in offers]
    acceptable = [each for each in ranked if each[0] > 0]
    return min(acceptable, key=lambda each: (-each[0], each[1]))[2] if acceptable else None


def _wish(media_type: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The quality that a media type has by its most specific range, and that range's place."""
    group = media_type.partition("/")[0]
    for wanted in (media_type, f"{group}/*", "*/*"):
        for place, (media_range, quality) in enumerate(ranges):
            if media_range == wanted:
                return quality, place
    return 0, len(ranges)


def _parse(entry: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
    quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return media_range, float(quality)
    except ValueError:
        return media_range, 0


def _not_acceptable(offers: Sequence[OutputFormat]) -> Problem:
    media_types = ", ".join(dict.fromkeys(each.media_type for each in offers))
    names = ", ".join(each.name for each in offers)
    detail = f"the response can be: {media_types}; or with ?format=: {names}"
    return Problem(HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", detail)
