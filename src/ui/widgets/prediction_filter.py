"""Which of the predicted images are listed, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.prediction_table import ORDERS, WHICH, Filter

_TYPING_MS = 150


class PredictionFilter(QWidget):
    """Decision or outcome, class, name and order.

    Signals:
        changed(object): The `Filter` that is wanted.
    """

    changed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first = 0
        self.which, self.kind, self.order, self.text = QComboBox(), QComboBox(), QComboBox(), QLineEdit()
        boxes = (
            (self.which, "Which images", "Show images by decision or outcome", WHICH),
            (self.kind, "Class", "Show images on which this class was found", ("Any class",)),
            (
                self.order,
                "Order",
                "Order of the images; the score is the mean probability over an object",
                ORDERS,
            ),
        )
        for box, name, tip, words in boxes:
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.addItems(list(words))
            box.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
            box.setMinimumContentsLength(8)
            guard_wheel(box)
            box.currentIndexChanged.connect(lambda _: self._tell())
        self.text.setPlaceholderText("Find by name (Ctrl+F)")
        self.text.setAccessibleName("Find by name")
        self.text.setClearButtonEnabled(True)
        self.status = QLabel()
        self.status.setProperty("role", "muted")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._tell)
        self.text.textChanged.connect(lambda _: self._typing.start())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        grid.addWidget(self.which, 0, 0)
        grid.addWidget(self.kind, 0, 1)
        grid.addWidget(self.order, 1, 0, 1, 2)
        grid.addWidget(self.text, 2, 0, 1, 2)
        grid.addWidget(self.status, 3, 0, 1, 2)

    def put(self, classes: Sequence[str], background: bool) -> None:
        """The classes of other predictions; the filter is kept as far as it can be."""
        self._first = int(background)
        self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItems(["Any class", *classes[self._first :]])
        self.kind.blockSignals(False)
        self.kind.setVisible(len(classes) - self._first > 1)

    @property
    def wanted(self) -> Filter:
        """What is chosen."""
        kind = self.kind.currentIndex() - 1 + self._first if self.kind.currentIndex() > 0 else -1
        return Filter(self.which.currentIndex(), kind, self.text.text(), self.order.currentIndex())

    def show_count(self, shown: int, total: int) -> None:
        """How many pass."""
        self.status.setText(f"{total:,} listed" if shown == total else f"{shown:,} of {total:,} listed")

    def _tell(self) -> None:
        self._typing.stop()
        self.changed.emit(self.wanted)
