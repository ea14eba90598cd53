"""What augmentation makes of one image, beside the settings that do it: the pictures follow each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QKeySequence
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QShortcut, QVBoxLayout, QWidget

from src.core.config import ConfigError, Layer, Option, Resolved, nest, resolve
from src.tasks.catalog import task_info
from src.ui.dialogs.augment_preview import AugmentPreview
from src.ui.theme import set_role
from src.ui.widgets.form import SchemaForm

_ALSO = ("data.image_size", "data.resize")


def _wanted(option: Option) -> bool:
    return option.key.startswith("data.augmentation.") or option.key in _ALSO


class AugmentWindow(QWidget):
    """Settings on the left, the image on the right.

    Attributes:
        form: The settings.
        preview: The pictures.

    Signals:
        kept(dict): Dotted keys and values that the person wants training to start with.
    """

    kept = pyqtSignal(dict)

    def __init__(self, resolved: Resolved[Any], parent: QWidget) -> None:
        super().__init__(parent, Qt.Window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._resolved = resolved
        self._sample: dict[str, Any] | None = None
        self._masks: Any = None
        self.form = SchemaForm(
            type(resolved.config),
            _wanted,
            task_info(resolved.config.task).choices,
            title="Size",
            show_help=False,
        )
        self.form.load(resolved.flat(), resolved.origins, {})
        self.form.show_all(True)
        self.form.edited.connect(lambda _: self._update())
        page = self.form.widget()
        bar = self.form.verticalScrollBar().sizeHint().width()
        self.form.setMinimumWidth(page.minimumSizeHint().width() + bar)  # no field is cut
        self.preview = AugmentPreview()
        self.preview.another.hide()
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.keep = QPushButton("&Keep for training")
        set_role(self.keep, "primary")
        self.keep.setToolTip("Training on this data starts with these settings")
        self.keep.clicked.connect(lambda _: self._keep())
        close = QPushButton("&Close")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.keep)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(14, 14, 16, 14)
        column.addWidget(self.preview)
        column.addWidget(self.problem)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(right)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.form, 1)
        row.addWidget(scroll, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 12)
        whole.addLayout(row, 1)
        buttons.setContentsMargins(16, 0, 16, 0)
        whole.addLayout(buttons)
        QShortcut(QKeySequence(Qt.Key_Escape), self, activated=self.close)
        self.resize(1080, 680)

    def show_sample(self, sample: dict[str, Any], masks: Mapping[str, Any] | None) -> None:
        """Show what happens to this image."""
        self._sample, self._masks = sample, masks
        self.setWindowTitle(f"Augmentation of {sample['id']}")
        self.show()
        self.raise_()
        self._update()

    def _settings(self) -> Resolved[Any] | None:
        faults = self.form.faults()
        if faults:
            self._say("\n".join(faults.values()))
            return None
        try:
            values = {**self._resolved.flat(), **self.form.changes()}
            found = resolve(type(self._resolved.config), [Layer("dialog", nest(values))])
        except ConfigError as error:
            self._say(str(error))
            return None
        self._say("")
        return found

    def _say(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.keep.setEnabled(not text)

    def _update(self) -> None:
        settings = self._settings()
        if settings is not None and self._sample is not None:
            description = {"samples": {"train": [self._sample]}, "masks": self._masks}
            self.preview.update_from(settings.config, description)
            self.preview.another.hide()

    def _keep(self) -> None:
        self.kept.emit(self.form.changes())
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.preview.close_preview()
        super().closeEvent(event)
