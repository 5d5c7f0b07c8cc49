"""Pages that show a run, or several side by side: curves, numbers, and what they came from."""

from umop.report.comparison import write_comparison
from umop.report.page import write_report
from umop.report.suspects import write_suspects

__all__ = ["write_comparison", "write_report", "write_suspects"]
