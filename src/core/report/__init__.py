"""The report of a run: one HTML file that can be sent to a colleague. Torch-free, Qt-free."""

from src.core.report.facts import RunFacts, read_facts
from src.core.report.write import write_report

__all__ = ["RunFacts", "read_facts", "write_report"]
