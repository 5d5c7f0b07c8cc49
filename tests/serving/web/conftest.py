"""The browser that shows the page."""

from tests.browser import browser

__all__ = ["browser"]
