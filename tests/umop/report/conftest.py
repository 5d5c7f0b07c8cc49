"""The browser that shows the pages."""

from tests.browser import browser

__all__ = ["browser"]
