"""Says whether training works on this machine, and what a report of a bug should tell."""

from umop.doctor.checks import examine
from umop.doctor.diagnosis import Diagnosis, Verdict, verdict_of

__all__ = ["Diagnosis", "Verdict", "examine", "verdict_of"]
