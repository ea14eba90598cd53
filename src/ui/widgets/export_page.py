"""What an export came to: whether it says the same as the original, how fast it is, its files and its model card."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QUrl
from PyQt5.QtGui import QDesktopServices, QFont
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import emptied, heading, sentence
from src.ui.icons import icon
from src.ui.text import count, number
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.result_pages import FilesList

_PARITY, _CARD = "parity.json", "MODEL_CARD.md"
_FORMATS = {"onnx": "ONNX", "torch_export": "PyTorch program", "torchscript": "TorchScript"}
_PRECISIONS = {"fp32": "32 bit", "fp16": "16 bit", "int8": "8 bit"}
_WHERE = {"inside": "inside the model", "beside": "beside it, in classes.json"}
_COLUMNS = ("", "Original", "Export", "Difference", "Allowed")


class ExportPage(QWidget):
    """The comparison as a table, the files, the model card.

    Attributes:
        shows_said: What the job said stands here already, with more beside it.
    """

    shows_said = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._agrees = True
        self.empty = EmptyState(
            "export",
            "Nothing was exported yet",
            "When the model is written and compared, the comparison stands here.",
        )
        self.verdict = QFrame()
        self._verdict_icon, self.verdict_text = QLabel(), sentence("")
        row = QHBoxLayout(self.verdict)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(10)
        row.addWidget(self._verdict_icon, 0, Qt.AlignTop)
        row.addWidget(self.verdict_text, 1)
        self.card = QFrame()
        self.card.setProperty("role", "card")
        self.table = QGridLayout(self.card)
        self.table.setContentsMargins(14, 12, 14, 12)
        self.table.setHorizontalSpacing(20)
        self.table.setVerticalSpacing(7)
        self.about = sentence("", "muted")
        self.files = FilesList()
        self.files.setMaximumHeight(200)
        self.open_button = button("Open &folder", "Show the files that were written")
        self.open_button.clicked.connect(lambda _: self._open())
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.setAccessibleName("Model card")
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        left = QWidget()
        inside = QVBoxLayout(left)
        inside.setContentsMargins(16, 12, 16, 16)
        inside.setSpacing(10)
        inside.addWidget(self.verdict)
        inside.addWidget(self.card)
        inside.addWidget(self.about)
        files = QHBoxLayout()
        files.addWidget(heading("Files"), 1)
        files.addWidget(self.open_button)
        inside.addLayout(files)
        inside.addWidget(self.files)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(left)
        scroll.setFocusPolicy(Qt.NoFocus)
        self._right = QWidget()
        column = QVBoxLayout(self._right)
        column.setContentsMargins(12, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(heading("Model card"))
        column.addWidget(self.text, 1)
        self.full = QSplitter(Qt.Horizontal)
        self.full.addWidget(scroll)
        self.full.addWidget(self._right)
        self.full.setStretchFactor(0, 3)
        self.full.setStretchFactor(1, 2)
        self.full.setChildrenCollapsible(False)
        self.full.setSizes([660, 340])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.empty)
        whole.addWidget(self.full)
        self.full.hide()

    def _dress(self) -> None:
        name, role = ("state-completed", "good") if self._agrees else ("error", "bad")
        self._verdict_icon.setPixmap(icon(name, role).pixmap(20, 20))
        self.verdict_text.setFont(sized_font(self, 1.05, QFont.DemiBold))

    # -- ResultPage -----------------------------------------------------------------------------
    def open_folder(self, path: Path) -> None:
        """Show the comparison in ``path``, or that there is none yet."""
        self._folder = _newest(path)
        parity = _read(self._folder / _PARITY)
        self.empty.setVisible(not parity)
        self.full.setVisible(bool(parity))
        if parity:
            self._show(parity)

    def tell(self, event: Any) -> None:
        """Nothing is shown before the comparison is complete."""

    # -- what is shown --------------------------------------------------------------------------
    def _show(self, parity: dict[str, Any]) -> None:
        assert self._folder is not None
        self._agrees = bool(parity.get("agrees", True))
        objections = [str(o) for o in parity.get("objections") or []]
        one, many = _nouns(parity)
        images = count(int(parity.get("images") or 0), one, many)
        where = f"generated {many}" if parity.get("generated_images") else images
        self.verdict_text.setText(
            f"The export says the same as the original: compared on {where}, run by {_runtime(parity)}."
            if self._agrees
            else "The export disagrees with the original and was refused. " + " ".join(objections)
        )
        set_role(self.verdict, "good" if self._agrees else "bad")
        self._dress()
        emptied(self.table)
        for column, word in enumerate(_COLUMNS):
            self.table.addWidget(sentence(word, "muted"), 0, column)
        for row, cells in enumerate(_rows(parity), 1):
            for column, text in enumerate(cells):
                label = sentence(text)
                label.setWordWrap(column in (0, 3))
                if column == 0:
                    label.setFont(sized_font(label, 1.0, QFont.DemiBold))
                self.table.addWidget(label, row, column)
        self.table.setColumnStretch(0, 3)
        self.table.setColumnStretch(3, 2)
        self.about.setText(" ".join(_about(parity)))
        self.files.show_folder(self._folder)
        card = self._folder / _CARD
        text = card.read_text("utf-8", "replace") if card.is_file() else ""
        self._right.setVisible(bool(text))
        self.text.setMarkdown(
            re.sub(r"(?m)^#", "##", text)
        )  # a title as large as in a book has no place here

    def _open(self) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))


def _newest(path: Path) -> Path:
    """The folder itself, or the numbered one inside that was written last."""
    numbered = [p for p in path.glob("[0-9]*") if (p / _PARITY).is_file() and p.name.isdigit()]
    return max(numbered, key=lambda p: int(p.name), default=path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _runtime(parity: dict[str, Any]) -> str:
    about = parity.get("runtime") or {}
    name = str(about.get("runtime") or "its own runtime")
    return {"onnxruntime": "ONNX Runtime", "torch": "PyTorch"}.get(name, name)


def _nouns(parity: dict[str, Any]) -> tuple[str, str]:
    """What the model answers for at once: one, and many."""
    one = str(parity.get("whole") or "image")
    return one, f"{one}s"


def _rows(parity: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Measure, original, export, difference, allowed."""
    limits, iou, times = (parity.get(key) or {} for key in ("limits", "iou", "latency"))
    rows = []
    if parity.get("pixels"):
        share = float(parity.get("share_of_pixels_with_another_class") or 0)
        differing = int(parity.get("pixels_with_another_class") or 0)
        units = str(parity.get("units") or "pixels")
        rows.append((f"{units.capitalize()} of another class", "", "", f"{differing:,} of {int(parity['pixels']):,} ({share:.3%})",
                     _most(limits.get("share_of_pixels"), percent=True)))  # fmt: skip
    if parity.get("largest_difference") is not None:
        rows.append(("Largest difference of a probability", "", "", f"{float(parity['largest_difference']):.2g}",
                     _most(limits.get("largest_difference"))))  # fmt: skip
    if iou:
        lost = float(parity.get("iou_lost") or 0)
        change = f"{abs(lost):.4f} {'lost' if lost > 0 else 'gained'}" if round(lost, 4) else "none"
        rows.append(("IoU against the true masks", number(iou.get("original")), number(iou.get("export")), change,
                     _most(limits.get("iou_lost"))))  # fmt: skip
    before, after = ((times.get(k) or {}).get("median_ms") for k in ("original", "export"))
    if before and after:
        factor = float(before) / float(after)
        change = (
            f"{factor:.1f} × as fast"
            if factor >= 1.05
            else f"{1 / factor:.1f} × as long"
            if factor < 0.95
            else "equal"
        )
        rows.append((f"Time for one {_nouns(parity)[0]}", f"{before:.1f} ms", f"{after:.1f} ms", change, ""))
    if parity.get("bytes") and parity.get("original_bytes"):
        rows.append(
            ("Size of the file", _megabytes(parity["original_bytes"]), _megabytes(parity["bytes"]), "", "")
        )
    return rows


def _inputs(export: dict[str, Any]) -> str:
    """What the model takes, in words."""
    if names := export.get("inputs"):
        beside = "computed by use_model.py" if export.get("script") else "computed outside"
        return f"inputs: {', '.join(map(str, names))} ({beside})"
    where = _WHERE.get(str(export.get("normalisation")), "inside the model")
    size = f"{export.get('width')} × {export.get('height')} px only"
    return f"{'any image size' if export.get('dynamic_size') else size}; normalisation {where}"


def _most(limit: Any, percent: bool = False) -> str:
    if limit is None:
        return ""
    return f"at most {float(limit):.2%}" if percent else f"at most {float(limit):g}"


def _megabytes(size: Any) -> str:
    return f"{float(size) / 1e6:,.1f} MB" if float(size) >= 1e5 else f"{float(size) / 1e3:,.1f} KB"


def _about(parity: dict[str, Any]) -> list[str]:
    """What was written, and on what it was compared, in sentences."""
    export, said = parity.get("export") or {}, []
    form = _FORMATS.get(str(export.get("format")), str(export.get("format") or ""))
    if form:
        opset = f" (opset {export['opset']})" if export.get("opset") else ""
        precision = _PRECISIONS.get(str(export.get("precision")), str(export.get("precision")))
        said.append(
            f"{form}{opset}, {precision}, {_inputs(export)}, output: {export.get('output') or 'probabilities'}."
        )
    if parity.get("compared_on"):
        said.append(f"Compared on: {str(parity['compared_on']).rstrip('.')}.")
    if parity.get("calibrated_on"):
        said.append(f"8-bit ranges measured on: {str(parity['calibrated_on']).rstrip('.')}.")
    if threads := (parity.get("latency") or {}).get("threads"):
        said.append(f"Times on the CPU with {count(int(threads), 'thread')}.")
    if parity.get("worst_image") and parity.get("pixels_with_another_class"):
        said.append(f"Most differs in {parity['worst_image']}.")
    return said
