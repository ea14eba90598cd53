"""What the run said: its messages with cause and cure, and every word of the process, bounded in memory."""

from __future__ import annotations

import datetime as dt

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QShowEvent, QTextCursor
from PyQt5.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from src.ui.icons import icon
from src.ui.run_data import Message, RunData
from src.ui.theme import fixed_font, theme
from src.ui.widgets.choice import Choice
from src.ui.wording import in_words

_LINES_KEPT = 5000
_MESSAGES_SHOWN = 1000
_ICONS = {"info": ("info", "muted"), "warning": ("warning", "warn"), "error": ("error", "bad")}
_LEVELS = (("info", "warning", "error"), ("warning", "error"), ("error",))
_WORDS = {"info": "", "warning": "Warning: ", "error": "Error: "}


class LogPage(QWidget):
    """Messages, or the raw text of ``train.log``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = RunData()
        self._taken = 0
        self.what = Choice("Show", ["Messages", "Output of the process"])
        self.level = Choice("Level", ["All", "Warnings", "Errors"])
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find in the log")
        self.filter.setAccessibleName("Find in the log")
        self.filter.setClearButtonEnabled(True)
        self._copy = QPushButton("&Copy")
        self._copy.setToolTip("Copy what is shown")
        self._copy.clicked.connect(self.copy)
        self.list = QListWidget()
        self.list.setAccessibleName("Messages of the run")
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(18, 18))
        self.list.setVerticalScrollMode(QListWidget.ScrollPerPixel)
        self.list.setResizeMode(QListWidget.Adjust)
        self.list.setSpacing(1)
        self.list.setLayoutMode(QListWidget.Batched)
        self.raw = QPlainTextEdit()
        self.raw.setReadOnly(True)
        self.raw.setMaximumBlockCount(_LINES_KEPT)
        self.raw.setLineWrapMode(QPlainTextEdit.NoWrap)
        self.raw.setAccessibleName("Output of the process")
        self.raw.setPlaceholderText("The process has printed nothing yet.")
        self._note = QLabel(
            f"The newest {_LINES_KEPT:,} lines; all of them are in train.log in the run folder."
        )
        self._note.setProperty("role", "muted")
        self._pages = QStackedWidget()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self.raw)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.what)
        row.addWidget(self.filter, 1)
        row.addWidget(self.level)
        row.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._pages, 1)
        column.addWidget(self._note)
        self._note.hide()
        self.what.changed.connect(self._switch)
        self.level.changed.connect(lambda _: self._again())
        self.filter.textChanged.connect(self._search)
        self.filter.returnPressed.connect(self._next)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.raw.setFont(fixed_font())
        self._again()

    def _switch(self, index: int) -> None:
        self._pages.setCurrentIndex(index)
        self.level.setVisible(index == 0)
        self._note.setVisible(index == 1)
        self._search()

    # ---- messages

    def set_data(self, data: RunData) -> None:
        """Show another run; the raw text starts empty."""
        self.raw.clear()
        self.take_run(data)

    def take_run(self, data: RunData) -> None:
        """The same run, read again: the raw text stays."""
        self._data = data
        self._again()

    def mark(self) -> None:
        """There are new messages; they are put into the list when it is on the screen."""
        if not self.isVisible():
            return
        at_end = self._at_end(self.list)
        for message in self._data.messages[max(self._taken, len(self._data.messages) - _MESSAGES_SHOWN) :]:
            self._add(message)
        self._taken = len(self._data.messages)
        while self.list.count() > _MESSAGES_SHOWN:
            self.list.takeItem(0)
        if at_end:
            self.list.scrollToBottom()

    def _again(self) -> None:
        self._taken = 0
        self.list.clear()
        self.mark()

    def _add(self, message: Message) -> None:
        when = dt.datetime.fromtimestamp(message.time)
        text = "\n".join(
            filter(
                None,
                [
                    f"{when:%d %b %H:%M:%S}   {_WORDS[message.level]}{in_words(message.text)}",
                    f"What to do: {in_words(message.cure)}" if message.cure else "",
                    f"Where: {message.where}" if message.where else "",
                ],
            )
        )
        if (
            message.level not in _LEVELS[self.level.index]
            or self.filter.text().casefold() not in text.casefold()
        ):
            return
        name, role = _ICONS[message.level]
        item = QListWidgetItem(icon(name, role), text)
        item.setData(Qt.AccessibleTextRole, text)
        self.list.addItem(item)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.mark()

    # ---- raw text

    def add_text(self, text: str) -> None:
        """New text of the process; the view stays where the person has scrolled to."""
        bar = self.raw.verticalScrollBar()
        at_end, before = self._at_end(self.raw), bar.value()
        cursor = QTextCursor(self.raw.document())
        cursor.movePosition(QTextCursor.End)
        cursor.insertText(text[-400_000:].replace("\r\n", "\n").replace("\r", "\n"))
        bar.setValue(bar.maximum() if at_end else before)

    def _search(self) -> None:
        if self.what.index == 0:
            self._again()
        else:
            self.raw.moveCursor(QTextCursor.End)
            self._find(backward=True)

    def _next(self) -> None:
        if self.what.index == 1 and not self._find(backward=True):
            self.raw.moveCursor(QTextCursor.End)
            self._find(backward=True)

    def _find(self, backward: bool) -> bool:
        from PyQt5.QtGui import QTextDocument

        text = self.filter.text()
        flags = QTextDocument.FindFlags(QTextDocument.FindBackward if backward else 0)
        return bool(text) and self.raw.find(text, flags)

    def copy(self) -> None:
        """What is shown to the clipboard: the chosen messages, or all that the filter lets through."""
        if self.what.index == 0:
            chosen = self.list.selectedItems()
            shown = chosen if len(chosen) > 1 else [self.list.item(i) for i in range(self.list.count())]
            QApplication.clipboard().setText("\n".join(i.text() for i in shown))
        else:
            picked = self.raw.textCursor().selectedText().replace("\u2029", "\n")
            QApplication.clipboard().setText(picked or self.raw.toPlainText())

    @staticmethod
    def _at_end(widget: QListWidget | QPlainTextEdit) -> bool:
        bar = widget.verticalScrollBar()
        return bar.value() >= bar.maximum() - 4
