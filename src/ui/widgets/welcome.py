"""The first page: what can be done, before anything is open."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from src.ui.icons import app_icon, icon
from src.ui.theme import set_role, sized_font, theme

_STEPS = (
    (
        "open_dataset_dialog",
        "images",
        "Open your data",
        "A folder with images and masks. Look at them, and see whether anything is wrong.",
        "&Open data set…",
    ),
    (
        "train_model",
        "train",
        "Train a model",
        "Choose what matters in one dialog and watch it learn. Runs go on when this window is closed.",
        "&Train model…",
    ),
    (
        "make_sample_data",
        "sample",
        "Try it first",
        "Make a small set of metal parts with scratches, pits and stains, and train on that.",
        "Make &sample data…",
    ),
)


class _Card(QFrame):
    def __init__(self, picture: str, title: str, text: str, button: str) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._picture = picture
        self._icon, self._title = QLabel(), QLabel(title)
        words = QLabel(text)
        words.setWordWrap(True)
        words.setProperty("role", "muted")
        words.setAlignment(Qt.AlignTop | Qt.AlignLeft)
        self.button = QPushButton(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 18, 18, 18)
        column.setSpacing(8)
        column.addWidget(self._icon)
        column.addWidget(self._title)
        column.addWidget(words, 1)
        column.addSpacing(6)
        column.addWidget(self.button, 0, Qt.AlignLeft)
        self.dress()

    def dress(self) -> None:
        self._icon.setPixmap(icon(self._picture, "accent").pixmap(28, 28))
        self._title.setFont(sized_font(self, 1.15, QFont.DemiBold))


class WelcomePage(QWidget):
    """Three ways to begin, and what was opened before.

    Signals:
        wanted(str): Id of a command.
        recent(str, object): Kind (``dataset``, ``run``) and path.
    """

    wanted = pyqtSignal(str)
    recent = pyqtSignal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel("Lathe")
        self._text = QLabel("Train segmentation models on your own images, on this computer.")
        self._text.setProperty("role", "muted")
        logo = QLabel()
        logo.setPixmap(app_icon().pixmap(QSize(56, 56)))
        head = QGridLayout()
        head.setHorizontalSpacing(16)
        head.addWidget(logo, 0, 0, 2, 1)
        head.addWidget(self._title, 0, 1, Qt.AlignBottom)
        head.addWidget(self._text, 1, 1, Qt.AlignTop)
        head.setColumnStretch(1, 1)
        self._cards = []
        cards = QGridLayout()
        cards.setSpacing(14)
        for column, (command, picture, title, text, button) in enumerate(_STEPS):
            card = _Card(picture, title, text, button)
            card.button.clicked.connect(partial(self._want, command))
            cards.addWidget(card, 0, column)
            cards.setColumnStretch(column, 1)
            self._cards.append(card)
        set_role(self._cards[0].button, "primary")
        self._recent_title = QLabel("Opened before")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(1)
        inner = QWidget()
        inner.setMaximumWidth(980)
        column_of = QVBoxLayout(inner)
        column_of.setContentsMargins(32, 40, 32, 32)
        column_of.setSpacing(22)
        column_of.addLayout(head)
        column_of.addLayout(cards)
        column_of.addWidget(self._recent_title)
        column_of.addLayout(self._recent)
        column_of.addStretch(1)
        outer = QWidget()
        middle = QGridLayout(outer)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addWidget(inner, 0, 1)
        middle.setColumnStretch(0, 1)
        middle.setColumnStretch(1, 1000)
        middle.setColumnStretch(2, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(outer)
        scroll.setFocusPolicy(Qt.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        theme().changed.connect(self.dress)
        self.dress()

    def dress(self) -> None:
        """Fonts and icons; again after it was put into a window, because Qt forgets fonts then."""
        self._title.setFont(sized_font(self, 1.9, QFont.DemiBold))
        self._text.setFont(sized_font(self, 1.1))
        self._recent_title.setFont(sized_font(self, 1.05, QFont.DemiBold))
        for card in self._cards:
            card.dress()

    def _want(self, command: str, _: bool = False) -> None:
        self.wanted.emit(command)

    def put_recent(self, datasets: list[str], runs: list[str]) -> None:
        """What was opened before."""
        while self._recent.count():
            widget = self._recent.takeAt(0).widget()
            if widget:
                widget.deleteLater()
        listed = [("dataset", p) for p in datasets[:4]] + [("run", p) for p in runs[:4]]
        self._recent_title.setVisible(bool(listed))
        for kind, path in listed:
            name = f"{Path(path).name}   in {Path(path).parent}".replace("&", "&&")
            button = QPushButton(icon("images" if kind == "dataset" else "run-folder", "accent"), name)
            set_role(button, "link")
            button.clicked.connect(partial(self._choose, kind, path))
            self._recent.addWidget(button, 0, Qt.AlignLeft)

    def _choose(self, kind: str, path: str, _: bool = False) -> None:
        self.recent.emit(kind, Path(path))
