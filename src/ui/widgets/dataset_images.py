"""The samples of a data set: filters above, the grid, and what can be done with those that are selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PyQt5.QtCore import QModelIndex, QPoint, Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence, QResizeEvent
from PyQt5.QtWidgets import QApplication, QHBoxLayout, QLabel, QMenu, QShortcut, QVBoxLayout, QWidget

from src.core.dataset.contract import IMAGES_WITH_MASKS
from src.core.dataset.sample_filter import SampleFilter, SampleView
from src.ui import files
from src.ui.text import count
from src.ui.widgets.filter_bar import FilterBar
from src.ui.widgets.overlay_bar import OverlayBar, slider
from src.ui.widgets.thumbnail_model import Reading
from src.ui.widgets.thumbnails import SIDES, Thumbnails

#: So many classes have room beside the sliders.
_BESIDE = 3


class ImagesPage(QWidget):
    """Grid with filters.

    Attributes:
        thumbnails: The grid.
        filters: What is shown.
        bar: How masks are drawn.
        config: Gives the configuration of the data set as YAML text, for those who open a sample.

    Signals:
        exclude_asked(list, bool): These ids are to be left out (True) or taken in again.
        augment_asked(dict): Show what augmentation does to this sample.
    """

    exclude_asked = pyqtSignal(list, bool)
    augment_asked = pyqtSignal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = Reading()
        self._classes: list[str] = []
        self._look = IMAGES_WITH_MASKS
        self.config: Callable[[], str] = str
        self.filters = FilterBar()
        self.bar = OverlayBar()
        self.thumbnails = Thumbnails()
        self.thumb_size = slider("Size of the thumbnails", "Size of the thumbnails (Ctrl+wheel)", *SIDES, 148)
        self.status = QLabel()  # placed by the owner
        self.status.setProperty("role", "muted")
        self.status.setContentsMargins(0, 0, 0, 10)
        size = QLabel("Si&ze")
        size.setBuddy(self.thumb_size)
        row = QHBoxLayout()
        row.setSpacing(10)
        for widget in (self.bar, size, self.thumb_size):
            row.addWidget(widget)
        row.addStretch(1)
        self._row = row
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.filters)
        column.addLayout(row)
        self._column = column
        column.addWidget(self.thumbnails, 1)
        self.none = QLabel(self.thumbnails)
        self.none.setAlignment(Qt.AlignCenter)
        self.none.setProperty("role", "muted")
        self.none.hide()
        self._connect()

    def _connect(self) -> None:
        grid = self.thumbnails
        self.filters.changed.connect(self.refill)
        self.bar.changed.connect(grid.set_overlay)
        self.bar.opacity_changed.connect(grid.set_opacity)
        self.thumb_size.valueChanged.connect(grid.set_side)
        grid.side_changed.connect(self.thumb_size.setValue)
        grid.activated.connect(self.enlarge)  # a double click too: Qt sends both signals for one
        grid.order_asked.connect(lambda _: self.toggle_excluded())
        grid.selectionModel().selectionChanged.connect(lambda *_: self._tell())
        grid.setContextMenuPolicy(Qt.CustomContextMenu)
        grid.customContextMenuRequested.connect(self._show_menu)
        for keys, slot in (("Ctrl+C", self.copy_paths), ("Ctrl+Shift+G", self.show_group)):
            QShortcut(QKeySequence(keys), grid, activated=slot, context=Qt.WidgetShortcut)
        focus = QShortcut(QKeySequence("Ctrl+L"), self, activated=self._focus_name)
        focus.setContext(Qt.WidgetWithChildrenShortcut)

    # ---- what is shown

    def put(
        self,
        view: SampleView | None,
        reading: Reading,
        classes: Sequence[str] = (),
        shares: Mapping[str, float] | None = None,
        findings: Sequence[tuple[Any, str]] = (),
    ) -> None:
        """Another data set.

        Args:
            view: Its samples, None for none.
            reading: How its files are read.
            classes: Names, background first.
            shares: Of all training pixels, by name.
            findings: Rows of each finding that names images, and short words for it.
        """
        self._reading, self._classes = reading, list(classes)
        look = self._look = view.table.look if view is not None else self._look
        self.thumbnails.thumbs.put(view, reading)
        ignores = reading.meaning is not None and reading.meaning.ignore_value is not None
        self.bar.put(classes, shares or {}, ignores)
        for widget in (self.bar, self.bar.classes):
            widget.setVisible(bool(classes) and look.masks)
        self.none.setText(f"No {look.noun.one} passes the filters. “Show all” takes them away.")
        self.thumbnails.setAccessibleName(f"{look.noun.many.capitalize()} of the data set")
        self._place_classes()
        self.filters.put(view, classes, findings)
        self.refill()

    def _place_classes(self) -> None:
        """Few classes stand beside the sliders where there is room, else below them."""
        sliders = self.bar.sizeHint().width() + 2 * self.thumb_size.width()
        room = self.width() - sliders - self.bar.classes.one_line()
        beside = len(self._classes) <= _BESIDE and room > 0
        if beside and self._row.indexOf(self.bar.classes) < 0:
            self._column.removeWidget(self.bar.classes)
            self._row.insertWidget(self._row.count() - 1, self.bar.classes, 100)
        elif not beside and self._column.indexOf(self.bar.classes) < 0:
            self._row.removeWidget(self.bar.classes)
            self._column.insertWidget(2, self.bar.classes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_classes()

    def refill(self) -> None:
        """Show what passes the filters; the current image stays the current one where it passes."""
        row = self.thumbnails.current_row()
        rows = self.filters.rows()
        self.thumbnails.samples.put(self.filters.view, rows)
        if row >= 0 and self.thumbnails.samples.position(row) >= 0:
            self.thumbnails.go_to(row)
        else:
            self.thumbnails.verticalScrollBar().setValue(0)
        self.none.setVisible(not len(rows) and self.filters.view is not None)
        self.none.resize(self.thumbnails.viewport().size())
        self._tell()

    def show_only(self, rows: Sequence[int]) -> None:
        """Only these images."""
        self.filters.set(SampleFilter(rows=tuple(rows)))
        self.thumbnails.setFocus()

    def show_image(self, row: int) -> None:
        """Go to an image, taking away the filters that hide it."""
        if self.thumbnails.samples.position(row) < 0:
            self.filters.set(SampleFilter())
        self.thumbnails.go_to(row)
        self.thumbnails.setFocus()

    def excluded_changed(self) -> None:
        """Others are left out now."""
        if self.filters.wanted.content in ("excluded", "kept"):
            self.refill()
        self.filters.count()
        self.thumbnails.viewport().update()
        self._tell()

    def _tell(self) -> None:
        view = self.filters.view
        if view is None:
            self.status.clear()
            return
        shown, total = len(self.thumbnails.samples.rows), view.table.total
        words = count(total, *self._look.noun)
        if shown != total:
            words = f"{shown:,} of {words}"
        if out := int(np.count_nonzero(view.excluded)):
            words += f", {out:,} left out"
        spans = self.thumbnails.selectionModel().selection()
        if chosen := sum(r.bottom() - r.top() + 1 for r in spans):
            words += f", {chosen:,} selected"
        self.status.setText(words)

    def _focus_name(self) -> None:
        self.filters.name.setFocus()
        self.filters.name.selectAll()

    # ---- what can be done with images

    def _samples(self) -> list[dict[str, Any]]:
        view = self.filters.view
        return [view.table.sample(row) for row in self.thumbnails.selected_rows()] if view else []

    def _current(self) -> dict[str, Any] | None:
        view, row = self.filters.view, self.thumbnails.current_row()
        return view.table.sample(row) if view is not None and row >= 0 else None

    def enlarge(self, index: QModelIndex) -> None:
        """Show a sample large, or in the views that its task has of it."""
        if not index.isValid():
            return
        reading, look = self._reading, self._look
        if reading.views is not None:
            from src.ui.widgets.views_window import ViewsWindow

            made = ViewsWindow(self.window(), reading.views, look.noun.one)
            made.show_row(self.config(), self.thumbnails, index)
            return
        from src.ui.widgets.sample_window import SampleWindow

        SampleWindow(self.window(), self.thumbnails, reading, self._classes, look).show_row(index)

    def toggle_excluded(self) -> None:
        """Leave the selected images out, or take them in again when all of them are out."""
        view, rows = self.filters.view, self.thumbnails.selected_rows()
        if view is not None and rows:
            out = bool(view.excluded[rows].all())
            self.exclude_asked.emit([view.table.ids[row] for row in rows], not out)

    def copy_paths(self) -> None:
        """The paths of the selected images to the clipboard, a line each."""
        view = self.filters.view
        if view is not None and (rows := self.thumbnails.selected_rows()):
            QApplication.clipboard().setText("\n".join(view.table.files[row] for row in rows))

    def show_group(self) -> None:
        """Only the images of the group of the current one."""
        if sample := self._current():
            self.filters.set(replace(SampleFilter(), group=sample["group"]))

    def augment(self) -> None:
        """What augmentation does to the current image."""
        if sample := self._current():
            self.augment_asked.emit(sample)

    def menu(self) -> QMenu:
        """What can be done with the selection."""
        made = QMenu(self)
        made.setToolTipsVisible(True)
        view, rows = self.filters.view, self.thumbnails.selected_rows()
        sample, look = self._current(), self._look
        if view is None or sample is None:
            return made
        out = bool(rows) and bool(view.excluded[rows].all())
        many = len(rows)
        words = f" {many:,} {look.noun.many}" if many > 1 else ""
        large = "&Look and listen" if self._reading.views is not None else "&View large"
        made.addAction(f"{large}\tEnter", lambda: self.enlarge(self.thumbnails.currentIndex()))
        if look.augments:
            made.addAction("Preview &augmentation…", self.augment)
        made.addSeparator()
        made.addAction(f"&Open {look.noun.one} file", lambda: files.open_file(sample["file"]))
        if look.masks:
            mask = made.addAction("Open &mask file", lambda: files.open_file(sample["mask"]))
            mask.setEnabled(bool(sample["mask"]))
        made.addAction("Show in &folder", lambda: files.show_in_folder(sample["file"]))
        made.addAction("&Copy path" + ("s" if many > 1 else "") + "\tCtrl+C", self.copy_paths)
        made.addSeparator()
        group = made.addAction("Show its &group\tCtrl+Shift+G", self.show_group)
        group.setEnabled(sample["group"] != sample["id"])
        toggle = made.addAction(
            f"{'Take in again' if out else '&Leave out'}{words}\tDel", self.toggle_excluded
        )
        toggle.setToolTip(
            f"The files stay as they are; the next check and training do without the {look.noun.many}"
        )
        return made

    def _show_menu(self, place: QPoint) -> None:
        grid = self.thumbnails
        if not grid.rect().contains(place):
            place = grid.visualRect(grid.currentIndex()).center()
        made = self.menu()
        made.aboutToHide.connect(made.deleteLater)
        if not made.isEmpty():
            made.popup(grid.viewport().mapToGlobal(place))
