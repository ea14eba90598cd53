"""One predicted image large: what lies over it, and what is under the pointer."""

from __future__ import annotations

from functools import partial
from typing import Any

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.widgets.choice import Choice
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.overlay_bar import OverlayBar
from src.ui.widgets.prediction_decide import DecisionBar
from src.ui.widgets.prediction_files import Head, Shown, object_at, read_probability, read_shown, read_small
from src.ui.widgets.prediction_picture import HeatMap, HeatScale, ObjectPicture
from src.ui.widgets.pyramid import Pyramid

_MASK, _PROBABILITY, _NOTHING = range(3)
#: So long the image before stays while the next one is read.
_BLANK_MS = 150
_REACH = 6.0
_OPAQUE_HEAT = 65


class PredictionViewer(QWidget):
    """The picture with its bars.

    Attributes:
        view: The picture.
        layer: What lies over it: mask, probability, nothing.
        note: What is odd about the image, in sentences.
        bar: How the mask is drawn; its class list stands below it.
        decisions: The buttons below the picture.
        shown: What is shown, None while it is read.

    Signals:
        loaded(object): A `Shown` was read whole.
        picked(int): The object on which the person clicked, -1 where there is none.
        step_asked(int): 1 for the next image, -1 for the one before.
    """

    loaded = pyqtSignal(object)
    picked = pyqtSignal(int)
    step_asked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: Shown | None = None
        self._head: Head | None = None
        self._heat: dict[int, Pyramid | None] = {}
        self._reading = Pyramid(0, 0, [])  # stands for a probability that is being read
        self._generation = 0
        self._said = self._name = ""
        self._loader = ImageLoader(self, threads=2)
        self._loader.loaded.connect(self._read)
        self.view, self.bar, self.decisions = ObjectPicture(), OverlayBar(), DecisionBar()
        self.view.setAccessibleName("Predicted image")
        self.view.setToolTip("")
        label = self.bar.findChild(QLabel)
        label.setText("Opacit&y")  # of the mask or of the probability
        self.layer = Choice("Over the image", ["Mask", "Probability", "Nothing"])
        self.kind = QComboBox()
        self.kind.setAccessibleName("Probability of the class")
        self.kind.setToolTip("The class whose probability is shown")
        guard_wheel(self.kind)
        self.scale_bar, self._scale, self.words = HeatScale(), QLabel(), ElidedLabel()
        self._scale.setProperty("role", "muted")
        self._scale.setMinimumWidth(self.fontMetrics().horizontalAdvance("10,000 %"))
        self.words.setTextFormat(Qt.PlainText)
        self.note = sentence("", "warning")
        self.bar.classes.setToolTip("Tick the classes that are drawn")
        self._blank = QTimer(self)
        self._blank.setSingleShot(True)
        self._blank.setInterval(_BLANK_MS)
        self._blank.timeout.connect(self._clear)
        self._opacity = {_MASK: self.bar.opacity.value(), _PROBABILITY: _OPAQUE_HEAT}
        self._layer = _MASK
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._tools())
        column.addWidget(self.bar.classes)
        column.addWidget(self.note)
        column.addWidget(self.view, 1)
        column.addLayout(self._way())
        column.addWidget(self.decisions)
        self._warn()
        self.layer.changed.connect(self._change_layer)
        self.kind.currentIndexChanged.connect(lambda _: self._draw())
        self.bar.changed.connect(lambda _: self._draw())
        self.bar.opacity_changed.connect(lambda _: self._draw())
        self.view.scaled.connect(lambda value: self._scale.setText(f"{value:.0%}"))
        self.view.pointed.connect(self._pointed)
        self.view.clicked.connect(self._pick)

    def _tools(self) -> FlowLayout:
        row = FlowLayout(spacing=10)
        fit = button("F&it", "Show the whole image (0)")
        actual = button("&1:1", "One pixel of the image for one of the screen (1)")
        fit.clicked.connect(lambda _: self.view.fit())
        actual.clicked.connect(lambda _: self.view.actual())
        for widget in (self.layer, self.bar, self.kind, self.scale_bar, fit, actual, self._scale):
            row.addWidget(widget)
        return row

    def _way(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.before = button("‹", "The image before this one (P, in the picture Page up)")
        self.next = button("›", "The image after this one (N, in the picture Page down)")
        for widget, name, step in ((self.before, "Previous image", -1), (self.next, "Next image", 1)):
            widget.setAccessibleName(name)
            widget.clicked.connect(partial(self._step, step))
            row.addWidget(widget)
        row.addWidget(self.words, 1)
        return row

    def _step(self, step: int, _: bool = False) -> None:
        self.step_asked.emit(step)

    # ---- which image

    def put(self, head: Head) -> None:
        """The images that come are of these predictions."""
        self._head = head
        self.bar.put(head.classes, {}, False)
        if not head.background and self.bar.classes.count():
            self.bar.classes.item(0).setToolTip(
                "The first class is never coloured, so that the image is seen"
            )
        self.kind.blockSignals(True)
        self.kind.clear()
        names = head.classes[1:2] if head.binary else head.classes
        self.kind.addItems(list(names))
        if head.background and not head.binary and len(names) > 1:
            self.kind.setCurrentIndex(1)
        self.kind.blockSignals(False)
        self._arrange()

    def show_image(self, name: str, begins: int) -> None:
        """Read an image and show it; the one before stays for a moment, but is no longer ``shown``."""
        if self._head is None:
            return
        self._generation += 1
        self.shown, self._heat, self._name = None, {}, name
        self.view.mark(None)
        self._blank.start()
        self._warn()
        self._say(f"Reading {name}…")
        self._loader.want(
            [((self._generation, "small"), partial(read_small, self._head, begins)),
             ((self._generation, "whole"), partial(read_shown, self._head, begins))]
        )  # fmt: skip

    def show_nothing(self) -> None:
        """No image is chosen."""
        self._generation += 1
        self.shown, self._heat = None, {}
        self._loader.forget()
        self._clear()
        self._warn()
        self.decisions.show_verdict(None)
        self._say("")

    def _clear(self) -> None:
        self.view.mark(None)
        if self.shown is None:
            self.view.set_picture(None)

    def _read(self, key: tuple[Any, ...], result: Any) -> None:
        if key[0] != self._generation:
            return
        if key[1] == "probability":
            self._heat[key[2]] = result
            self._draw()
        elif key[1] == "pick":
            self.picked.emit(-1 if result is None else result)
        elif key[1] == "whole":
            self._blank.stop()
            self.shown = result or Shown(None, notes=["This image cannot be read."])
            self._draw()
            self._say(self._about(self.shown))
            self.loaded.emit(self.shown)
        elif result is not None and result.picture is not None and self.shown is None:
            self._blank.stop()
            self.view.set_picture(result.picture)

    def _about(self, shown: Shown) -> str:
        found = shown.prediction
        if found is None or found.error:
            return self._name
        return f"{self._name}    {found.width:,} × {found.height:,} px    predicted in {found.seconds:.2g} s"

    def _warn(self, *sentences: str) -> None:
        self.note.setText(" ".join(sentences))
        self.note.setVisible(bool(sentences))

    # ---- what lies over it

    def _change_layer(self, layer: int) -> None:
        if self._layer in self._opacity:
            self._opacity[self._layer] = self.bar.opacity.value()
        self._layer = layer
        if layer in self._opacity:
            self.bar.opacity.setValue(self._opacity[layer])
        self._arrange()
        self._draw()

    def _arrange(self) -> None:
        heat = self._layer == _PROBABILITY
        self.bar.setVisible(self._layer != _NOTHING)
        self.bar.outlines.setVisible(not heat)
        self.bar.classes.setVisible(self._layer == _MASK and self.bar.classes.count() > 2)
        self.kind.setVisible(heat and self.kind.count() > 1)
        self.scale_bar.setVisible(heat)

    def _draw(self) -> None:
        shown = self.shown
        if shown is None:
            return
        notes = list(shown.notes)
        if shown.prediction is not None and shown.prediction.error:
            notes.append(f"There is no prediction of this image. {shown.prediction.error}")
        base, heat, opacity = shown.picture, None, self.bar.opacity.value() / 100
        if self._layer == _PROBABILITY and base is not None:
            heat, missing = self._probability(shown, base)
            notes += [missing] * bool(missing)
        self.view.set_overlay(self.bar.overlay if heat is None else HeatMap())
        self.view.set_picture(heat or base)
        self.view.set_opacity(opacity if heat is not None or self._layer == _MASK else 0.0)
        self._warn(*notes)

    def _probability(self, shown: Shown, base: Pyramid) -> tuple[Pyramid | None, str]:
        """The heat map that is wanted, None while it is read; or why there is none."""
        assert self._head is not None
        found = shown.prediction
        if found is None or found.error:
            return None, ""
        number = max(0, self.kind.currentIndex())
        if number >= len(found.probability):
            return (
                None,
                "The probabilities were not kept. Predict with “Probabilities” among the results to see them.",
            )
        if number not in self._heat:
            job = partial(read_probability, self._head, found.probability[number], base)
            self._heat[number] = self._reading
            self._loader.ask((self._generation, "probability", number), job)
        heat = self._heat[number]
        if heat is None:
            return None, "The probability cannot be read: its file is gone, damaged or of another size."
        return (None if heat is self._reading else heat), ""

    # ---- pointing

    def mark(self, number: int, go: bool) -> None:
        """Frame an object, -1 for none; ``go``: bring it to the middle."""
        if self.shown is None or not 0 <= number < len(self.shown.objects):
            self.view.mark(None)
            return
        entry = self.shown.objects[number]
        left, top, width, height = (int(v) for v in entry["box"])
        box = (left, top, width, height)
        self.view.mark(box, (float(entry["centroid"][0]), float(entry["centroid"][1])))
        if go:
            self.view.go_to(box)

    def _pick(self, x: int, y: int) -> None:
        shown = self.shown
        if shown is None or shown.picture is None or not len(shown.objects) or not shown.picture.labels:
            return
        if shown.picture.labels[0].shape != (shown.picture.height, shown.picture.width):
            return
        job = partial(object_at, shown.picture.labels[0], shown.objects, x, y, _REACH / self.view.scale)
        self._loader.ask((self._generation, "pick"), job)

    def _pointed(self, x: int, y: int) -> None:
        shown = self.shown
        found = shown.picture.at(x, y) if shown is not None and shown.picture is not None and x >= 0 else None
        if found is None or self._head is None:
            self.words.setText(self._said)
            return
        values, number = found
        values = values[:1] if len(set(values)) == 1 else values
        words = f"x {x:,}  y {y:,}    value {', '.join(f'{v:g}' for v in values)}"
        if number is not None and number < len(self._head.classes):
            words += f"    {self._head.classes[number]}"
        heat = self._heat.get(max(0, self.kind.currentIndex())) if self._layer == _PROBABILITY else None
        if (
            heat is not None
            and heat is not self._reading
            and (spot := heat.at(x, y)) is not None
            and spot[1] is not None
        ):
            words += f"    probability {spot[1] / 255:.2f}"
        self.words.setText(words)

    def _say(self, words: str) -> None:
        self._said = words
        self.words.setText(words)

    def stop(self) -> None:
        """End reading."""
        self._generation += 1
        self._blank.stop()
        self._loader.end()
