"""What will happen when Start is pressed: always visible beside the tabs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFont, QPainter, QPaintEvent
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from src.core.config import RunConfig
from src.core.dataset.findings import Finding, Noun
from src.core.dataset.palette import class_colours
from src.core.run import default_runs_dir
from src.core.task_info import TaskInfo
from src.ui.dialogs.train_findings import FindingsList, breakable
from src.ui.text import count
from src.ui.theme import colour, sized_font, theme

_CLASSES_SHOWN = 12
_FITS = {"stretch": "stretched", "letterbox": "padded to a square", "crop": "cut from the image at random"}
_DEVICES = {"auto": "The first GPU, or the CPU where there is none", "cpu": "CPU", "mps": "Apple GPU"}


def facts(config: RunConfig, info: TaskInfo, description: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Pairs of a word and what will be: from the configuration, and from the data where they were read."""
    flat = config.model_dump()
    training, data = flat["training"], flat.get("data", {})
    noun, drawn = info.look.noun, (description or {}).get("drawn") or {}
    found = [(noun.many.capitalize(), _parts(description)), ("Source size", _sizes(description))]
    found.append(("Model", _model(flat, info, config)))
    found.append(("Begins with", _beginning(flat.get("model", {}))))
    side, fit = data.get("image_size"), data.get("resize", "")
    found.append(("Model sees", f"{side} × {side} px, {_FITS.get(fit, fit)}" if side else ""))
    many = drawn.get("train") or ((description or {}).get("splits") or {}).get("train", 0)
    found.append(("Training", _steps(training, many, Noun(*(drawn.get("noun") or noun)))))
    device = str(training["device"])
    found.append(("Device", _DEVICES.get(device, f"GPU {device.partition(':')[2] or 0}")))
    folder = Path(flat["runs_dir"]) if flat["runs_dir"] else default_runs_dir()
    found.append(
        ("Run goes to", str(folder / ("_".join(["…", flat["name"] or info.labels(config)[0], "…"]))))
    )
    return [(word, text) for word, text in found if text]


def _parts(description: Mapping[str, Any] | None) -> str:
    if not description:
        return ""
    words = {"train": "for training", "val": "for validation", "test": "for testing"}
    splits = description.get("splits", {})
    return ", ".join(f"{splits[part]:,} {word}" for part, word in words.items() if splits.get(part))


def _sizes(description: Mapping[str, Any] | None) -> str:
    sizes = (description or {}).get("sizes") or {}
    if not sizes:
        return ""
    low, high = tuple(sizes.get("min", ())), tuple(sizes.get("max", ()))
    if len(low) != 2 or len(high) != 2:
        return ""
    return f"{low[0]} × {low[1]} px" if low == high else f"{low[0]} × {low[1]} to {high[0]} × {high[1]} px"


def _model(flat: Mapping[str, Any], info: TaskInfo, config: RunConfig) -> str:
    model = flat.get("model", {})
    if "architecture" not in model:
        return info.title
    extra = info.config.model_fields["model"].annotation.model_fields["architecture"].json_schema_extra  # type: ignore
    words = extra["lathe"]["choice_labels"] if isinstance(extra, dict) else {}
    text = f"{words.get(model['architecture'], model['architecture'])} with {model['encoder']}"
    millions = info.estimate(config).get("parameters_m")
    return f"{text}, {millions:.1f} million parameters" if millions else text


def _beginning(model: Mapping[str, Any]) -> str:
    """Whose weights the training goes on with; empty where the network begins anew."""
    start = model.get("start_from")
    return f"the weights of {breakable(Path(start).name)}" if start else ""


def _steps(training: Mapping[str, Any], many: int, noun: Noun) -> str:
    epochs, batch = training["epochs"], training["batch_size"]
    if not many:
        return f"{count(epochs, 'epoch')}, {count(batch, *noun)} a step"
    steps = max(1, many // batch)  # a last batch that is not full is left out, unless it is the only one
    text = f"{count(epochs, 'epoch')} of {count(steps, 'step')} with {count(min(batch, many), *noun)}"
    left = many - steps * batch
    return f"{text}; {count(left, *noun)}, each time others, left out" if left > 0 else text


class ClassShares(QWidget):
    """The classes and their share of the pixels of the training images, as bars."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, QColor]] = []
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        theme().changed.connect(self.update)

    def show_shares(self, names: list[str], shares: Mapping[str, float]) -> None:
        """Class names in order, and name to share (0 to 1)."""
        colours = [QColor(*rgb) for rgb in class_colours(len(names))]
        self._rows = [(n, float(shares.get(n, 0.0)), c) for n, c in zip(names, colours, strict=True)][
            :_CLASSES_SHOWN
        ]
        more = len(names) - len(self._rows)
        self.setToolTip("\n".join(f"{n}: {share_text(shares.get(n, 0.0))}" for n in names))
        self.setAccessibleName(
            "Share of the pixels: " + ", ".join(f"{n} {share_text(s)}" for n, s, _ in self._rows)
        )
        if more > 0:
            self._rows.append((f"and {more} more", 0.0, QColor(Qt.transparent)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A line for each class."""
        return QSize(200, len(self._rows) * self._line())

    minimumSizeHint = sizeHint

    def _line(self) -> int:
        return self.fontMetrics().height() + 9

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name and share above a thin bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        metrics, line, width = self.fontMetrics(), self._line(), self.width()
        for row, (name, share, fill) in enumerate(self._rows):
            top = row * line
            number = share_text(share) if fill.alpha() else ""
            right = metrics.horizontalAdvance(number)
            painter.setPen(colour("text"))
            shown = metrics.elidedText(name, Qt.ElideRight, width - right - 12)
            painter.drawText(0, top, width, metrics.height(), Qt.AlignLeft, shown)
            painter.setPen(colour("muted"))
            painter.drawText(0, top, width, metrics.height(), Qt.AlignRight, number)
            if not fill.alpha():
                continue
            painter.setPen(Qt.NoPen)
            bar = QRectF(0, top + metrics.height() + 1, width, 4)
            painter.setBrush(colour("hover"))
            painter.drawRoundedRect(bar, 2, 2)
            painter.setBrush(colour("border_strong") if fill == QColor(0, 0, 0) else fill)
            if share > 0:
                painter.drawRoundedRect(QRectF(bar.x(), bar.y(), max(3.0, width * share), 4), 2, 2)


def share_text(share: float) -> str:
    """``0.03 %``, ``4.2 %``, ``96 %``."""
    percent = 100 * share
    return (
        f"{percent:.0f} %"
        if percent >= 10 or percent == 0
        else f"{percent:.1f} %"
        if percent >= 0.1
        else f"{percent:.2g} %"
    )


class SummaryPanel(QScrollArea):
    """Facts, classes and findings.

    Signals:
        chosen(str): The person wants to see the option of this key.
    """

    chosen = pyqtSignal(str)

    def __init__(self, info: TaskInfo, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._info = info
        self.setObjectName("summary")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        page = QWidget()
        column = self._column = QVBoxLayout(page)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(10)
        column.addWidget(_heading("What will happen"))
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(12)
        self._facts.setVerticalSpacing(5)
        self._facts.setColumnStretch(1, 1)
        column.addLayout(self._facts)
        self.scan_note = QLabel()
        self.scan_note.setWordWrap(True)
        self.scan_note.setProperty("role", "muted")
        self.scan_bar = QProgressBar()
        self.scan_bar.setTextVisible(False)
        self.scan_bar.setAccessibleName("Progress of the check of the data")
        column.addWidget(self.scan_note)
        column.addWidget(self.scan_bar)
        self._classes_title = _heading("Classes, share of the training pixels")
        column.addWidget(self._classes_title)
        self.classes = ClassShares()
        column.addWidget(self.classes)
        self._findings_title = _heading("")
        column.addWidget(self._findings_title)
        self.findings = FindingsList(labels)
        self.findings.chosen.connect(self.chosen)
        column.addWidget(self.findings)
        column.addStretch(1)
        self.setWidget(page)
        self._fact_labels: list[tuple[QLabel, QLabel]] = []
        self.show_scan("", None)

    def minimumSizeHint(self) -> QSize:
        """No line of it is cut at the right."""
        wide = self._column.parentWidget().minimumSizeHint().width()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(wide + bar, super().minimumSizeHint().height())

    def show_facts(self, config: RunConfig | None, description: Mapping[str, Any] | None) -> None:
        """What the configuration says; the last usable one stays while a value cannot be used."""
        if config is not None:
            self._show_rows(facts(config, self._info, description))
        names = list((description or {}).get("classes") or [])
        self._classes_title.setVisible(bool(names))
        self.classes.setVisible(bool(names))
        if names:
            self.classes.show_shares(names, (description or {}).get("class_share") or {})

    def show_scan(self, note: str, progress: tuple[int, int] | None) -> None:
        """A line on the check of the data, with a bar while it runs."""
        self.scan_note.setText(note)
        self.scan_note.setVisible(bool(note))
        self.scan_bar.setVisible(progress is not None)
        if progress is not None:
            self.scan_bar.setRange(0, progress[1])
            self.scan_bar.setValue(progress[0])

    def show_findings(self, findings: list[Finding]) -> None:
        """The findings, or a word that there are none."""
        errors = sum(f.severity == "error" for f in findings)
        warnings = sum(f.severity == "warning" for f in findings)
        words = [count(errors, "error")] if errors else []
        words += [count(warnings, "warning")] if warnings else []
        rest = len(findings) - errors - warnings
        words += [count(rest, "note")] if rest else []
        self._put_findings(first=bool(errors or warnings))
        self._findings_title.setText("Checks: " + ", ".join(words))
        self._findings_title.setVisible(bool(words))
        self.findings.show_findings(findings)

    def _put_findings(self, first: bool) -> None:
        """What has to be looked at stands above the classes, notes below them."""
        for widget in (self._findings_title, self.findings):
            self._column.removeWidget(widget)
        at = self._column.indexOf(self._classes_title) if first else self._column.indexOf(self.classes) + 1
        self._column.insertWidget(at, self._findings_title)
        self._column.insertWidget(at + 1, self.findings)

    def _show_rows(self, rows: list[tuple[str, str]]) -> None:
        while len(self._fact_labels) < len(rows):
            word, text = QLabel(), QLabel()
            word.setProperty("role", "muted")
            text.setWordWrap(True)
            text.setTextFormat(Qt.PlainText)
            at = len(self._fact_labels)
            self._facts.addWidget(word, at, 0, Qt.AlignTop)
            self._facts.addWidget(text, at, 1, Qt.AlignTop)
            self._fact_labels.append((word, text))
        for index, (word, text) in enumerate(self._fact_labels):
            name, value = rows[index] if index < len(rows) else ("", "")
            word.setText(name)
            text.setText(breakable(value) if os.sep in value else value)
            text.setToolTip(value)
            word.setVisible(bool(name))
            text.setVisible(bool(name))


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(sized_font(label, 1.0, QFont.DemiBold))
    return label
