"""Two evaluations of classifiers on the same samples: paired differences, and how sure they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtWidgets import QVBoxLayout, QWidget

from src.ui.widgets.class_overview import ShownClasses
from src.ui.widgets.paired import PairedPage, verdict


class ClassComparePage(PairedPage):
    """A list of other evaluations, then the comparison.

    Attributes:
        result: What `src.core.evaluation.compare(other, this)` says; empty while another evaluation is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(("sample", "samples"), parent)
        self.result: dict[str, Any] = {}
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addLayout(self.head())
        for widget in (self.words, self.measures, self.notes):
            column.addWidget(widget, int(widget is self.measures))
        self._stack.addWidget(page)

    def work(self, path: Path) -> tuple[ShownClasses, ShownClasses, dict[str, Any]]:
        from src.core.evaluation import compare

        this, other = self._data, ShownClasses.read(path)
        return this, other, compare(other.document, this.document)

    def show_found(self, found: tuple[ShownClasses, ShownClasses, dict[str, Any]]) -> None:
        this, other, result = found
        if this is not self._data:
            return
        self.result = result
        self._noun = result["noun"]
        primary = [m for m in result["measures"] if m["name"] == "balanced_accuracy"]
        said = " ".join(f"Balanced accuracy of {m['over']}: {verdict(m)}." for m in primary)
        self.tell(other, result, said, "Recall")

    def forget(self) -> None:
        self.result = {}
