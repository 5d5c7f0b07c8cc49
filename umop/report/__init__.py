"""One page that shows a run: its curves, its numbers, and what it came from."""

from umop.report.page import write_report

__all__ = ["write_report"]
