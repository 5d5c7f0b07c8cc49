"""Finds what is wrong with a data set before it spoils a training run."""

from umop.data.check.report import RULES, Finding, Report, check

__all__ = ["RULES", "Finding", "Report", "check"]
