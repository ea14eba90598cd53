"""Fixed samples, their truth and what the model predicted, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QFont, QHideEvent, QImage, QPixmap, QShowEvent
from PyQt5.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from src.ui.run_data import RunData
from src.ui.text import metric_title, number
from src.ui.theme import sized_font
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.picture import Picture

_KINDS = (("image", "Image"), ("truth", "Truth"), ("prediction", "Prediction"))
_KEPT = 600
_SIDE = 220


def _read(path: str) -> QImage:
    image = QImage(path)
    if image.isNull():
        raise OSError(path)
    return image


class PreviewsPage(QWidget):
    """Rows of image, truth and prediction with a slider over the epochs that have previews."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = Path()
        self._data = RunData()
        self._headings: list[QLabel] = []
        self._epochs: list[int] = []
        self._images: dict[str, QPixmap] = {}
        self._asked: set[str] = set()
        self._rows: list[tuple[list[Picture], QLabel]] = []
        self._loader: ImageLoader | None = None
        self._stale = False
        self._fitting = True
        self._many = 0
        self._per_line = 1
        self._build()

    def _build(self) -> None:
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setAccessibleName("Epoch of the previews")
        self.slider.setToolTip("Epoch: arrow keys step, Home and End jump")
        self.slider.setPageStep(5)
        self.slider.valueChanged.connect(self._show)
        self._which = QLabel()
        self._which.setMinimumWidth(self.fontMetrics().horizontalAdvance("Epoch 00,000 of 00,000"))
        self.follow = QCheckBox("Follow the &newest")
        self.follow.setChecked(True)
        self.follow.setToolTip("Move on by itself when a new epoch has previews")
        self.follow.toggled.connect(self._to_newest)
        self.slider.sliderPressed.connect(lambda: self.follow.setChecked(False))
        self.slider.actionTriggered.connect(lambda _: self.follow.setChecked(False))
        self._size = QSlider(Qt.Horizontal)
        self._size.setRange(96, 512)
        self._size.setValue(_SIDE)
        self._size.setFixedWidth(110)
        self._size.setAccessibleName("Size of the pictures")
        self._size.setToolTip("Size of the pictures")
        self._size.valueChanged.connect(self._arrange)
        self._size.sliderPressed.connect(lambda: self._keep_fitting(False))
        self._size.actionTriggered.connect(lambda _: self._keep_fitting(False))
        self._fit = QPushButton("&Fit")
        self._fit.setToolTip("As large as the width allows")
        self._fit.clicked.connect(lambda: self._keep_fitting(True))
        bar = QHBoxLayout()
        bar.setContentsMargins(16, 10, 16, 8)
        bar.setSpacing(12)
        for widget, stretch in ((self._which, 0), (self.slider, 1), (self.follow, 0)):
            bar.addWidget(widget, stretch)
        bar.addSpacing(12)
        bar.addWidget(QLabel("Size"))
        bar.addWidget(self._size)
        bar.addWidget(self._fit)
        self._scroll = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOn)
        self._viewport = scroll.viewport()
        self._viewport.installEventFilter(self)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(scroll, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(
            EmptyState(
                "images",
                "No previews yet",
                "After each epoch the model predicts the same few validation samples. They are shown here, beside the truth.",
            )
        )
        self._stack.addWidget(full)

    def set_data(self, data: RunData, folder: Path) -> None:
        """Show another run."""
        self._data, self._folder = data, folder
        self._images.clear()
        self._asked.clear()
        self.follow.setChecked(True)
        self.mark()

    def close_loader(self) -> None:
        """End the reading thread; it starts again when it is needed."""
        if self._loader:
            self._loader.stop()
            self._loader = None

    def mark(self) -> None:
        """There are new previews."""
        if not self.isVisible():
            self._stale = True
            return
        self._stale = False
        self._epochs = sorted(self._data.previews)
        self._stack.setCurrentIndex(1 if self._epochs else 0)
        if not self._epochs:
            return
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._epochs) - 1)
        self.slider.setEnabled(len(self._epochs) > 1)
        if self.follow.isChecked():
            self.slider.setValue(len(self._epochs) - 1)
        self.slider.blockSignals(False)
        self._show()

    def _to_newest(self, on: bool) -> None:
        if on and self._epochs:
            self.slider.setValue(len(self._epochs) - 1)

    def _show(self, *_: object) -> None:
        if not self._epochs:
            return
        epoch = self._epochs[min(self.slider.value(), len(self._epochs) - 1)]
        self._which.setText(f"Epoch {epoch:,} of {max(self._data.planned, epoch):,}")
        items = self._data.previews[epoch]
        if len(items) != self._many:
            self._many = len(items)
            self._arrange()
        metric = metric_title(self._data.metric) if self._data.metric else "Value"
        for (pictures, label), item in zip(self._rows, items, strict=True):
            for picture, (kind, _title) in zip(pictures, _KINDS, strict=True):
                self._put(picture, str(item.get(kind) or ""))
            label.setText(
                f"{item.get('sample', '')}\n{item.get('value') or metric} {number(item.get('metric'), 3)}"
            )
        for heading in self._headings:
            heading.setText(str(items[0].get("shows") or _KINDS[0][1]) if items else _KINDS[0][1])

    def _put(self, picture: Picture, name: str) -> None:
        picture.key = name
        if not name:
            picture.set_pixmap(QPixmap())
            return
        if name in self._images:
            picture.set_pixmap(self._images[name])
        elif name not in self._asked:
            self._asked.add(name)
            if self._loader is None:
                self._loader = ImageLoader(self)
                self._loader.loaded.connect(self._loaded)
            path = str(self._folder / name)
            self._loader.ask(name, lambda: _read(path))

    def _loaded(self, name: str, image: QImage | None) -> None:
        self._asked.discard(name)
        while len(self._images) >= _KEPT:
            self._images.pop(next(iter(self._images)))
        self._images[name] = QPixmap.fromImage(image) if image is not None else QPixmap()
        for pictures, _ in self._rows:
            for picture in pictures:
                if picture.key == name:
                    picture.set_pixmap(self._images[name], failed=image is None)

    # ---- sizes

    def _keep_fitting(self, on: bool) -> None:
        self._fitting = on
        self._arrange()

    def _arrange(self, *_: object) -> None:
        """Rows and sizes for the room that there is; the pictures themselves stay."""
        many, room = self._many, self._viewport.width() - 34
        if not many:
            return
        if self._fitting:
            beside = 2 if room >= 1200 and many > 1 else 1
            self._size.blockSignals(True)
            self._size.setValue(min(320, (room - (112 if beside == 2 else 28)) // (3 * beside)))
            self._size.blockSignals(False)
        side = self._size.value()
        per_line = 2 if many > 1 and room >= 6 * side + 112 else 1
        if (many, per_line) != (len(self._rows), self._per_line):
            self._per_line = per_line
            self._build_rows(many, per_line)
            self._show()
        for pictures, _ in self._rows:
            for picture in pictures:
                picture.setFixedSize(side, side)

    def _build_rows(self, many: int, per_line: int) -> None:
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(16, 4, 16, 16)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        grid.setAlignment(Qt.AlignTop | Qt.AlignLeft)
        self._rows, self._headings = [], []
        for block in range(per_line):
            for column, (_, title) in enumerate(_KINDS):
                label = QLabel(title)
                label.setFont(sized_font(self, 1.0, QFont.DemiBold))
                self._headings += [label] if column == 0 else []
                grid.addWidget(label, 0, block * 4 + column)
            if block:
                grid.setColumnMinimumWidth(block * 4 - 1, 28)
        for position in range(many):
            row, block = 1 + 2 * (position // per_line), position % per_line
            pictures = [Picture(f"{title} of preview {position + 1}") for _, title in _KINDS]
            for column, picture in enumerate(pictures):
                grid.addWidget(picture, row, block * 4 + column)
            label = QLabel()
            label.setProperty("role", "muted")
            label.setTextFormat(Qt.PlainText)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
            grid.addWidget(label, row + 1, block * 4, 1, 3)
            self._rows.append((pictures, label))
        self._scroll.setWidget(fresh)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Resize:
            self._arrange()
        return False

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.mark()

    def hideEvent(self, event: QHideEvent) -> None:
        if self._loader:
            self._loader.forget()
            self._asked.clear()
        super().hideEvent(event)
