"""A progress bar below a notebook's cell."""

from __future__ import annotations

from html import escape
from time import monotonic

_SECONDS_BETWEEN_UPDATES = 0.5


class NotebookBar:
    """Shows progress by what every notebook has, HTML that is replaced, and needs no widgets.

    Args:
        total: How many steps there are.
    """

    def __init__(self, total: int) -> None:
        from IPython.display import display

        self.shown = -_SECONDS_BETWEEN_UPDATES
        self.handle = display(_content(0, total, ""), raw=True, display_id=True)

    def update(self, done: int, total: int, text: str, is_last: bool) -> None:
        """Shows how much is done, at most twice a second.

        Args:
            done: Steps that are done.
            total: How many steps there are by now; ``--time`` shortens training.
            text: What else there is to say.
            is_last: Whether no other update follows: then this one is shown in any case.
        """
        now = monotonic()
        if is_last or now - self.shown >= _SECONDS_BETWEEN_UPDATES:
            self.shown = now
            self.handle.update(_content(done, total, text), raw=True)


def _content(done: int, total: int, text: str) -> dict[str, str]:
    """What is shown, by media type."""
    label = f"training: iteration {done} of {total}, {text}".rstrip(", ")
    bar = f'<progress value="{done}" max="{total}"></progress>'
    return {"text/plain": label, "text/html": f"{bar} {escape(label)}"}
