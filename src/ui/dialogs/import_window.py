"""The import dialog as it is laid out; what happens in it is in `import_dialog`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset.findings import Finding
from src.ui.dialogs.closing import ClosingDialog
from src.ui.dialogs.train_bars import button, line
from src.ui.dialogs.train_findings import FindingsList
from src.ui.dialogs.train_setup import in_order
from src.ui.dialogs.transfer_parts import (
    ClassTable,
    SamplePictures,
    Working,
    emptied,
    heading,
    parts_text,
    sentence,
)
from src.ui.text import count
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.form_path import DropLine
from src.ui.widgets.message_bar import MessageBar

_WIDTH, _HEIGHT = 1180, 780
#: Rule to the words of the choice.
MERGES = {
    "area": "Smaller ones on top",
    "later": "Later ones on top",
    "earlier": "Earlier ones on top",
}


class ImportWindow(ClosingDialog):
    """Base of `ImportDialog`.

    Attributes:
        path: What is imported.
        format, merge: How it is read.
        target: Where the data set goes.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import data set")
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self.message = MessageBar()
        self.working = Working()
        self.pages = QStackedWidget()
        self.nothing = EmptyState("images", "", "")
        self.pages.addWidget(self.nothing)
        self.pages.addWidget(self._preview())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._source())
        column.addWidget(line())
        column.addWidget(self.message)
        column.addWidget(self.working)
        column.addWidget(self.pages, 1)
        column.addWidget(line())
        column.addLayout(self._bar())
        self.say_nothing(
            "Drop a folder or a file here",
            "Folders of images and masks, COCO JSON, YOLO, LabelMe, Pascal VOC, CSV tables and split files are recognised. "
            "You see what was understood before anything is written.",
        )
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        self.resize(min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 40))

    def _source(self) -> QHBoxLayout:
        self.path = DropLine(folder=False)
        self.path.setPlaceholderText("Folder, or a file such as a COCO JSON, a data.yaml or a table")
        self.path.setAccessibleName("Folder or file to import")
        self.folder_button = button("F&older…", "Choose the folder of the data set")
        self.file_button = button("Fi&le…", "Choose an annotation file or a table")
        label = QLabel("&Import from")
        label.setBuddy(self.path)
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.path, 1)
        row.addWidget(self.folder_button)
        row.addWidget(self.file_button)
        return row

    def _preview(self) -> QWidget:
        self.format, self.merge = QComboBox(), QComboBox()
        for box, tip in (
            (self.format, "What the files are taken for; the surest is first"),
            (self.merge, "Which object a pixel belongs to where objects of different classes overlap"),
        ):
            guard_wheel(box)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        for rule, words in MERGES.items():
            self.merge.addItem(words, rule)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.addRow("&Read as", self.format)
        self._form.addRow("Where objects o&verlap", self.merge)
        self.summary = heading("", 1.15)
        self.summary.setWordWrap(True)
        self._said = QVBoxLayout()
        self._said.setSpacing(4)
        self.classes, self.findings = ClassTable(), FindingsList({})
        self.classes_title, self.findings_title = heading("Classes"), heading("")
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(10)
        column.addWidget(self.summary)
        column.addLayout(self._form)
        column.addLayout(self._said)
        for widget in (self.classes_title, self.classes, self.findings_title, self.findings):
            column.addWidget(widget)
        column.addStretch(1)
        self._column = column
        left = QScrollArea()
        left.setWidgetResizable(True)
        left.setFrameShape(QFrame.NoFrame)
        left.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        left.setWidget(page)
        self.samples = SamplePictures()
        self.samples_title = heading("Samples")
        right = QWidget()
        side = QVBoxLayout(right)
        side.setContentsMargins(16, 14, 8, 8)
        side.setSpacing(8)
        side.addWidget(self.samples_title)
        side.addWidget(self.samples, 1)
        splitter = QSplitter(Qt.Horizontal)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([440, 740])
        return splitter

    def _bar(self) -> QHBoxLayout:
        self.target = QLineEdit()
        self.target.setAccessibleName("Folder of the new data set")
        self.target.setToolTip("Where the data set is made; the original is never changed")
        self.target_label = QLabel("&Goes to")
        self.target_label.setBuddy(self.target)
        self.target_button = button("&Change…", "Choose another place for the data set")
        self.start_button: QPushButton = button("I&mport", "")
        self.start_button.setDefault(True)
        self.close_button = button("Clos&e", "Close this window; nothing is imported")
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 12)
        row.setSpacing(8)
        row.addWidget(self.target_label)
        row.addWidget(self.target, 1)
        for widget in (self.target_button, self.close_button, self.start_button):
            row.addWidget(widget)
        return row

    def tell(self, text: str, level: str = "bad") -> None:
        """A message above the preview."""
        self.message.tell(text, level)

    def say_nothing(self, title: str, text: str) -> None:
        """Nothing is previewed, and why."""
        self.message.hide()
        self.nothing.set_text(title, text)
        self.nothing.setVisible(bool(title))
        self.pages.setCurrentWidget(self.nothing)
        self._show_target("")

    def _show_target(self, folder: str) -> None:
        self.target.setText(folder)
        for widget in (self.target, self.target_label, self.target_button):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)  # the buttons stay where they are
            widget.setSizePolicy(policy)
            widget.setVisible(bool(folder))

    def show_plan(self, answer: dict[str, Any]) -> None:
        """What was understood; ``answer`` as the data job gives it."""
        plan = answer["plan"]
        self._show_formats(answer["formats"], plan["recognised"])
        self.merge.setCurrentIndex(max(0, self.merge.findData(plan["merge"])))
        for widget in (self.merge, self._form.labelForField(self.merge)):
            widget.setVisible(bool(plan["merge"]))
        self.summary.setText(f"{plan['recognised']['title']}: {count(plan['images'], 'image')}")
        emptied(self._said)
        for text in ["" if plan["as_it_is"] else parts_text(plan["parts"]), *plan["said"]]:
            if text:
                self._said.addWidget(sentence(text))
        findings = in_order([Finding.from_dict(f) for f in plan["findings"]])
        self.findings_title.setText(f"Checks: {count(len(findings), 'finding')}")
        self.findings_title.setVisible(bool(findings))
        self.findings.show_findings(findings)
        # What keeps it from being imported stands above the classes, all else below them
        first = any(f.severity == "error" for f in findings)
        for widget in (self.findings_title, self.findings):
            self._column.removeWidget(widget)
        place = self._column.indexOf(self.classes_title) if first else self._column.indexOf(self.classes) + 1
        self._column.insertWidget(place, self.findings_title)
        self._column.insertWidget(place + 1, self.findings)
        self.classes_title.setVisible(bool(plan["classes"]))
        self.classes.show_classes(plan["classes"], plan["class_images"], plan["class_objects"])
        self.samples.show_samples(answer["pictures"])
        shown = len(answer["pictures"])
        self.samples_title.setText(
            f"Samples: {shown} of {plan['images']:,}, with what is marked on them" if shown else "No samples"
        )
        self._show_target(answer["folder"])
        self.message.hide()
        self.pages.setCurrentIndex(1)

    def _show_formats(self, formats: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
        self.format.clear()
        titles = [f["title"] for f in formats]
        for number, found in enumerate(formats):
            text = found["title"]
            if titles.count(text) > 1 and found["files"]:
                text = f"{text}: {Path(found['files'][0]).name}"
            self.format.addItem(text)
            self.format.setItemData(number, found["said"], Qt.ToolTipRole)
        self.format.setCurrentIndex(next((n for n, f in enumerate(formats) if f == chosen), 0))
