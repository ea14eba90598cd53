"""A data set: what is in it in a sentence, what is wrong with it, its classes, and all its images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset import palette
from src.ui.icons import icon
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.choice import Choice
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.findings import FindingsStrip
from src.ui.widgets.thumbnails import SAMPLE, SPLIT_TITLES, Thumbnails

if TYPE_CHECKING:
    from src.ui.dataset_source import Source


def _scan(resolved: Any) -> Any:
    from src.threads.scan_thread import ScanThread

    return ScanThread(resolved)


class DatasetView(QWidget):
    """Checks a data set in a child process and shows it.

    Attributes:
        source: Where the data set is, or None while nothing was recognised.
        scan: Makes the object that runs the check; replaced in tests.

    Signals:
        train_asked(): The person wants to train on this data.
    """

    train_asked = pyqtSignal()
    scan: Callable[[Any], Any] = staticmethod(_scan)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.source: Source | None = None
        self._scanner: Any = None
        self._samples: dict[str, list[dict[str, Any]]] = {}
        self._meaning: Any = None
        self._colours: list[tuple[int, int, int]] = []
        self._splits: list[str] = []
        self._choice: Choice | None = None
        self._build()
        theme().changed.connect(self._dress)
        self._dress()

    def _build(self) -> None:
        self.title = QLabel()
        self.title.setTextFormat(Qt.PlainText)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setProperty("role", "muted")
        self.sentence.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.train = QPushButton("Train on this &data…")
        set_role(self.train, "primary")
        self.train.clicked.connect(self.train_asked)
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.sentence)
        head.addLayout(words, 1)
        head.addWidget(self.train, 0, Qt.AlignTop)
        self.findings = FindingsStrip()
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.RichText)
        self.legend.setWordWrap(True)
        self.opacity = self._slider("Opacity of the masks", 0, 100, 45)
        self.thumb_size = self._slider("Size of the thumbnails", 80, 256, 148)
        self.thumbnails = Thumbnails()
        self.thumbnails.activated.connect(self._enlarge)
        self.opacity.valueChanged.connect(lambda v: self.thumbnails.set_opacity(v / 100))
        self.thumb_size.valueChanged.connect(self.thumbnails.set_side)
        self._bar = QHBoxLayout()
        self._bar.setSpacing(10)
        self._bar.addStretch(1)
        for text, slider in (("Mas&k", self.opacity), ("Si&ze", self.thumb_size)):
            label = QLabel(text)
            label.setBuddy(slider)
            self._bar.addWidget(label)
            self._bar.addWidget(slider)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.findings)
        column.addLayout(self._bar)
        column.addWidget(self.legend)
        column.addWidget(self.thumbnails, 1)
        self.empty = EmptyState(
            "images", "No data set is open", "File > Open Data Set Folder… shows the images of a folder."
        )
        self.pages = QStackedWidget()
        for page in (self.empty, self._waiting(), shown):
            self.pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)

    def _slider(self, name: str, low: int, high: int, value: int) -> QSlider:
        slider = QSlider(Qt.Horizontal)
        slider.setRange(low, high)
        slider.setValue(value)
        slider.setFixedWidth(110)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        return slider

    def _waiting(self) -> QWidget:
        page = QWidget()
        self._what = QLabel()
        self._what.setAlignment(Qt.AlignCenter)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(360)
        self._progress.setAccessibleName("Progress of the check")
        cancel = QPushButton("&Cancel")
        cancel.clicked.connect(self.cancel)
        column = QVBoxLayout(page)
        column.setSpacing(10)
        column.addStretch(1)
        for widget in (self._what, self._progress, cancel):
            column.addWidget(widget, 0, Qt.AlignHCenter)
        column.addStretch(2)
        return page

    def _dress(self) -> None:
        self.title.setFont(sized_font(self, 1.3, QFont.DemiBold))
        self.train.setIcon(icon("train", "accent_text"))

    # ---- opening

    def show_folder(self, folder: Path) -> None:
        """Recognise and check a folder, then show it."""
        from src.ui.dataset_source import SourceError, find_source

        self.close_data()
        try:
            self.source = find_source(folder)
        except SourceError as error:
            self.empty.set_text("This folder cannot be shown as a data set", str(error))
            self.pages.setCurrentIndex(0)
            return
        self.title.setText(folder.name)
        self.title.setToolTip(str(folder))
        self._what.setText(f"Reading {folder.name}…")
        self._progress.setRange(0, 0)
        self.pages.setCurrentIndex(1)
        self._scanner = self.scan(self.source.resolved)
        self._scanner.progress.connect(self._show_progress)
        self._scanner.done.connect(self.show_answer)
        self._scanner.failed.connect(self._failed)
        self._scanner.start()

    def close_data(self) -> None:
        """Read nothing any more."""
        if self._scanner is not None:
            self._scanner.progress.disconnect(self._show_progress)
            self._scanner.done.disconnect(self.show_answer)
            self._scanner.failed.disconnect(self._failed)
            self._scanner.cancel()
            self._scanner = None
        self.thumbnails.samples.put([], None, [])
        self.thumbnails.samples.close_loader()
        self.source = None

    def cancel(self) -> None:
        """The person does not want to wait."""
        self.close_data()
        self.empty.set_text("Reading was cancelled", "Open the folder again to look at its images.")
        self.pages.setCurrentIndex(0)

    def _show_progress(self, done: int, total: int, what: str) -> None:
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        self._what.setText(f"{what}: {done:,} of {total:,}" if total else what)

    def _failed(self, reason: str) -> None:
        self.empty.set_text("The data set cannot be read", reason)
        self.pages.setCurrentIndex(0)

    def show_answer(self, answer: dict[str, Any]) -> None:
        """What the check found."""
        description = answer.get("description") or {}
        self.findings.put(answer.get("findings") or [])
        self._samples = {
            split: [{**s, "split": split} for s in listed]
            for split, listed in (description.get("samples") or {}).items()
        }
        if not any(self._samples.values()):
            first: dict[str, Any] = next(
                (f for f in answer.get("findings") or [] if f.get("severity") == "error"), {}
            )
            text = f"{first.get('message', '')} {first.get('cure', '')}".strip()
            self.empty.set_text("There is nothing to show", text or "No image with a mask was found.")
            self.pages.setCurrentIndex(0)
            return
        classes = [str(c) for c in description.get("classes") or ()]
        self._colours = palette.class_colours(max(2, len(classes)))
        self._meaning = _meaning(description.get("masks"))
        self.sentence.setText(str(description.get("summary") or ""))
        self._show_legend(classes, description.get("class_share") or {})
        self._show_splits()
        self.pages.setCurrentIndex(2)

    def _show_legend(self, classes: list[str], shares: dict[str, float]) -> None:
        parts = []
        for name, rgb in list(zip(classes, self._colours, strict=False))[:24]:
            share = shares.get(name)
            text = f"{name} {share:.1%}" if isinstance(share, (int, float)) else name
            mark = "<span style='color:#{:02x}{:02x}{:02x}'>■</span>".format(*rgb)
            parts.append(f"{mark if rgb != palette.BACKGROUND else '□'}&nbsp;{text}".replace(" ", "&nbsp;"))
        more = f" and {len(classes) - 24} more" if len(classes) > 24 else ""
        self.legend.setText("&nbsp;&nbsp; ".join(parts).replace("<span&nbsp;", "<span ") + more)
        self.legend.setToolTip("Share of all pixels")

    def _show_splits(self) -> None:
        if self._choice is not None:
            self._bar.removeWidget(self._choice)
            self._choice.deleteLater()
        self._splits = ["", *[s for s in SPLIT_TITLES if self._samples.get(s)]]
        many = sum(map(len, self._samples.values()))
        words = [f"All {many:,}", *[f"{SPLIT_TITLES[s]} {len(self._samples[s]):,}" for s in self._splits[1:]]]
        self._choice = Choice("Images shown", words)
        self._choice.changed.connect(self._show_split)
        self._bar.insertWidget(0, self._choice)
        self._show_split(0)

    def _show_split(self, index: int) -> None:
        wanted = self._splits[index]
        listed = [s for split, found in self._samples.items() if wanted in ("", split) for s in found]
        self.thumbnails.samples.put(listed, self._meaning, self._colours)

    def _enlarge(self, index: QModelIndex) -> None:
        from src.ui.widgets.sample_window import SampleWindow

        if index.data(SAMPLE):
            SampleWindow(self.window(), self.thumbnails, self._meaning, self._colours).show_row(index)


def _meaning(masks: dict[str, Any] | None) -> Any:
    """The meaning of the masks as the check found it; None where it could not."""
    from src.core.dataset.masks import MaskMeaning

    return MaskMeaning.from_dict(masks) if masks else None
