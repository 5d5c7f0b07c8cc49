"""Responses in the format that the request accepts."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.responses import Response

from serving.api.formats.output import DetectAnswer, Found, OutputFormat, Render
from serving.guards.aside import aside
from serving.guards.threads import GuardedThreads


class ResponseRenderer:
    """Renders responses: many boxes, and those that are drawn, in threads.

    Args:
        threads: Draw images.
        max_pixels: Most pixels in one image.
    """

    def __init__(self, threads: GuardedThreads, max_pixels: int) -> None:
        self._threads = threads
        self._max_pixels = max_pixels

    async def one(self, form: OutputFormat, found: Found) -> Response:
        """Returns the response to a request with one image.

        Args:
            form: Its format.
            found: What was found in the image.
        """
        return await self._render(form, form.render, [found])

    async def several(self, form: OutputFormat, found: Sequence[Found]) -> Response:
        """Returns the response to a request with several images.

        Args:
            form: Its format, one that has a ``batch``.
            found: What was found in each image, by one model.
        """
        assert form.batch, f"{form.name} is not offered for several images"
        return await self._render(form, form.batch, found)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()

    async def _render(self, form: OutputFormat, render: Render, found: Sequence[Found]) -> Response:
        answer = DetectAnswer(found, found[0].result.classes, self._max_pixels)
        if form.draws:
            content = await self._threads.run(render, answer)
        else:
            boxes = sum(len(each.result.detections) for each in found)
            content = await aside(boxes, render, answer)
        return Response(content, media_type=form.media_type)
