"""What augmentation does to a real training image: made by the very code that feeds the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QFont, QImage, QPainter, QPainterPath, QPaintEvent, QShowEvent
from PyQt5.QtWidgets import (
    QCheckBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from src.core.config import RunConfig
from src.threads.worker import Worker
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.flow import FlowLayout

if TYPE_CHECKING:
    from numpy import ndarray

_VARIANTS = 5
_DELAY_MS = 250
_MASK_STRENGTH = 0.5


@dataclass(frozen=True)
class Wish:
    """What shall be shown.

    Attributes:
        config: Where the sizes and strengths are.
        sample: ``image``, ``mask`` (or None) and ``id`` of a training sample.
        meaning: Of the mask values, as the check of the data gave it.
        with_mask: Draw the mask over the image.
        seed: Of the random changes.
        giver: Another training sample whose objects are pasted in; None where nothing is.
    """

    config: RunConfig
    sample: Mapping[str, Any]
    meaning: Mapping[str, Any] | None
    with_mask: bool
    seed: int
    giver: Mapping[str, Any] | None = None


class AugmentWorker(Worker):
    """Reads one sample and changes it a few times.

    Signals:
        ready(list): The fitted original first, then the changed ones, each a `QImage`.
        failed(str): Why there is nothing to see.
    """

    ready = pyqtSignal(list)
    failed = pyqtSignal(str)

    def __init__(self, wish: Wish, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wish = wish

    def work(self) -> None:
        """Once; imported here, so that a window that shows no preview never waits for OpenCV."""
        import numpy as np

        from src.core.dataset.files.images import UnreadableImageError, read_image
        from src.core.dataset.files.mask_files import read_mask
        from src.core.dataset.masks import MaskMeaning, MaskValueError
        from src.core.feed.augment import Augmentation
        from src.core.feed.copy_paste import paste_to_show

        wish, data = self._wish, self._wish.config.data  # type: ignore[attr-defined]

        def read(sample: Mapping[str, Any], with_mask: bool) -> tuple[ndarray, ndarray]:
            image = read_image(sample["image"], data.channels)
            mask = np.zeros(image.shape[:2], np.uint8)
            if with_mask and sample.get("mask") and wish.meaning:
                mask = MaskMeaning.from_dict(dict(wish.meaning)).encode(read_mask(sample["mask"]))
            return image, mask

        try:
            image, mask = read(wish.sample, wish.with_mask)
            giver = read(wish.giver, True) if wish.giver else None
        except (UnreadableImageError, MaskValueError, OSError, ValueError) as error:
            self.failed.emit(f"No preview: {error}")
            return
        change = Augmentation.from_config(data.augmentation, data.image_size, data.resize)
        fit = Augmentation.only_fit(data.image_size, data.resize)
        made = []
        for index in range(_VARIANTS + 1):
            if self.ending:
                return
            rng = np.random.default_rng((wish.seed, index))
            pair = (change if index else fit)(image, mask, rng)
            if giver is not None and index:
                pair = paste_to_show(data.copy_paste, pair, change(*giver, rng), rng)
            made.append(to_image(pair["image"], pair["mask"] if wish.with_mask else None))
        if not self.ending:
            self.ready.emit(made)

    def crashed(self, error: Exception) -> None:
        """A preview that fails is told, not hidden."""
        if not self.ending:
            self.failed.emit(f"No preview: {error}")


def to_image(image: ndarray, mask: ndarray | None) -> QImage:
    """``H×W×1`` or ``H×W×3`` uint8 with class numbers over it, as a picture of its own memory."""
    import numpy as np

    from src.core.dataset.masks import IGNORE_INDEX
    from src.core.dataset.palette import IGNORED, class_colours

    rgb = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    if mask is not None:
        table = np.zeros((256, 3), np.uint8)
        table[:IGNORE_INDEX] = class_colours(IGNORE_INDEX)
        table[IGNORE_INDEX] = IGNORED
        over = (mask > 0)[..., None]
        mixed = (1 - _MASK_STRENGTH) * rgb + _MASK_STRENGTH * table[mask]
        rgb = np.where(over, mixed, rgb).astype(np.uint8)
    rgb = np.ascontiguousarray(rgb)
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, 3 * width, QImage.Format_RGB888).copy()


class Strip(QWidget):
    """Square pictures in rows, as large as the width allows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: list[QImage] = []
        policy = QSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme().changed.connect(self.update)

    def show_pictures(self, pictures: list[QImage]) -> None:
        """The original first."""
        self._pictures = pictures
        self.update()

    def _columns(self, width: int) -> int:
        return 6 if width >= 700 else 3

    def _side(self, width: int) -> float:
        columns = self._columns(width)
        return min(220.0, (width - 8.0 * (columns - 1)) / columns)

    def heightForWidth(self, width: int) -> int:
        """Rows of squares with a line of words below the first."""
        rows = -(-(_VARIANTS + 1) // self._columns(width))
        return round(rows * (self._side(width) + 8))

    def sizeHint(self) -> QSize:
        """For a usual width."""
        return QSize(400, self.heightForWidth(400))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures with round corners; empty places before there are any."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        columns, side = self._columns(self.width()), self._side(self.width())
        for index in range(_VARIANTS + 1):
            place = QRectF(index % columns * (side + 8), index // columns * (side + 8), side, side)
            path = QPainterPath()
            path.addRoundedRect(place, 4, 4)
            painter.setClipPath(path)
            painter.fillRect(place, colour("hover"))
            if index < len(self._pictures):
                painter.drawImage(place, self._pictures[index])
            if index == 0 and self._pictures:
                self._tag(painter, place)

    def _tag(self, painter: QPainter, place: QRectF) -> None:
        height = self.fontMetrics().height() + 4
        bar = QRectF(place.x(), place.bottom() - height, place.width(), height)
        shade = colour("window")
        shade.setAlpha(215)
        painter.fillRect(bar, shade)
        painter.setPen(colour("text"))
        painter.drawText(bar, Qt.AlignCenter, "Original")


class AugmentPreview(QFrame):
    """A card with one training image as it is and as augmentation changes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setObjectName("augment_preview")
        self._config: RunConfig | None = None
        self._description: Mapping[str, Any] | None = None
        self._number = 0
        self._seed = 0
        self._shown: Wish | None = None
        self._worker: AugmentWorker | None = None
        heading = QLabel("Preview of augmentation")
        heading.setFont(sized_font(heading, 1.0, QFont.DemiBold))
        self.note = QLabel("Appears here once the images were found.")
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.strip = Strip()
        self.masks = QCheckBox("Show mask")
        self.masks.setChecked(True)
        self.again = QPushButton("Draw again")
        self.another = QPushButton("Another image")
        for button in (self.again, self.another):
            button.setAutoDefault(False)
        row = FlowLayout(spacing=8)  # which lets the form have two columns in a small dialog
        for tool in (self.again, self.another, self.masks):
            row.addWidget(tool)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        for widget in (heading, self.note, self.strip):
            column.addWidget(widget)
        column.addLayout(row)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._make)
        self.masks.toggled.connect(lambda _: self._timer.start())
        self.again.clicked.connect(lambda _: self._next(sample=0, seed=1))
        self.another.clicked.connect(lambda _: self._next(sample=1, seed=0))

    def update_from(self, config: RunConfig | None, description: Mapping[str, Any] | None) -> None:
        """The settings and the data now; the pictures follow after a short pause."""
        self._config, self._description = config, description
        samples = self._samples()
        for widget in (self.strip, self.masks, self.again, self.another):
            widget.setVisible(bool(samples))
        if not samples:
            self._shown = None
            self.strip.show_pictures([])
            self.note.setText("Appears here once the images were found.")
        elif self.isVisible():
            self._timer.start()

    def close_preview(self) -> None:
        """End what runs in the background."""
        self._timer.stop()
        self._cancel()

    def showEvent(self, event: QShowEvent) -> None:
        """Nothing is read before the card is seen."""
        super().showEvent(event)
        self._timer.start()

    def _samples(self) -> Sequence[Mapping[str, Any]]:
        return ((self._description or {}).get("samples") or {}).get("train") or ()

    def _giver(self) -> Mapping[str, Any] | None:
        """Another sample with objects, where copy-paste is on; another one each time that it is changed again."""
        data: Any = getattr(self._config, "data", None)
        samples = self._samples()
        if not getattr(getattr(data, "copy_paste", None), "probability", 0):
            return None
        others = (
            samples[(self._number * 7919 + self._seed + k) % len(samples)]
            for k in range(1, min(len(samples), 200))
        )
        return next((s for s in others if any(s.get("classes") or ())), None)

    def _next(self, sample: int, seed: int) -> None:
        self._number += sample
        self._seed += seed
        self._make()

    def _make(self) -> None:
        samples = self._samples()
        if self._config is None or not samples or not self.isVisible():
            return
        sample = samples[(self._number * 7919) % len(samples)]
        meaning = (self._description or {}).get("masks")
        wish = Wish(self._config, sample, meaning, self.masks.isChecked(), self._seed, self._giver())
        if wish == self._shown:
            return
        self._shown = wish
        self._cancel()
        worker = self._worker = AugmentWorker(wish)
        worker.ready.connect(self._ready)
        worker.failed.connect(self._failed)
        worker.start()

    def _cancel(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.ready.disconnect()
            worker.failed.disconnect()
            worker.stop()

    def _ready(self, pictures: list[QImage]) -> None:
        self._worker = None
        self.strip.show_pictures(pictures)
        self.note.setText(f"How {self._shown.sample['id']} may look to the model." if self._shown else "")

    def _failed(self, reason: str) -> None:
        self._worker = None
        self.strip.show_pictures([])
        self.note.setText(reason)
