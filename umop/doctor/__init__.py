"""Says whether training works on this machine, and what a report of a bug should tell."""

from umop.doctor.checks import examine
from umop.doctor.finding import Finding, Verdict, verdict_of

__all__ = ["Finding", "Verdict", "examine", "verdict_of"]
