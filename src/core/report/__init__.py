"""The report of a run: one HTML file that can be sent to a colleague. Torch-free, Qt-free.

What draws is loaded when it is asked for: windows take `text` from here and must not wait for matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.core.report.facts import RunFacts, read_facts
    from src.core.report.write import write_report

__all__ = ["RunFacts", "read_facts", "write_report"]


def __getattr__(name: str) -> Any:
    if name in ("RunFacts", "read_facts"):
        from src.core.report import facts

        return getattr(facts, name)
    if name == "write_report":
        from src.core.report.write import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
