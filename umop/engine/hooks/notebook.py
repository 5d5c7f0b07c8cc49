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

        self.total = total
        self.shown = -_SECONDS_BETWEEN_UPDATES
        self.handle = display(self.content(0, ""), raw=True, display_id=True)

    def content(self, done: int, text: str) -> dict[str, str]:
        """What is shown, by media type."""
        label = f"training: iteration {done} of {self.total}, {text}".rstrip(", ")
        bar = f'<progress value="{done}" max="{self.total}"></progress>'
        return {"text/plain": label, "text/html": f"{bar} {escape(label)}"}

    def update(self, done: int, text: str) -> None:
        """Shows how much is done, at most twice a second, and at the end.

        Args:
            done: Steps that are done.
            text: What else there is to say.
        """
        now = monotonic()
        if done == self.total or now - self.shown >= _SECONDS_BETWEEN_UPDATES:
            self.shown = now
            self.handle.update(self.content(done, text), raw=True)
