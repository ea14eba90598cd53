"""Looking at and listening to a sample: the window, its plots, the requests behind it, the page of a prediction."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PyQt5
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QWidget

from src.core.config import Layer, dump_yaml, nest, resolve
from src.core.dataset.shown import Axis, Curve, Mark, Picture, Shown
from src.core.dataset.views import View, ViewOption
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.described import LOOK
from src.tasks.bearing.geometry import known_bearing
from src.tasks.bearing.signals.simulate import bearing_signal
from src.ui import sound
from src.ui.widgets import listening
from src.ui.widgets.said_page import SaidPage
from src.ui.widgets.view_drawing import level_at, value_at, y_range
from src.ui.widgets.view_options import ViewOptions
from src.ui.widgets.view_plot import ViewPlot
from src.ui.widgets.views_window import ViewsWindow

RATE = 12_000.0


class FakeOutput:
    """A device of which the test says how far it has played."""

    rate, channels = 48_000, 2

    def __init__(self) -> None:
        self.path = ""
        self.at: float | None = None

    def start(self, path: str) -> None:
        self.path, self.at = path, 0.0

    def position(self) -> float | None:
        return self.at

    def stop(self) -> None:
        self.path, self.at = "", None


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> FakeOutput:
    """No test asks for the real sound device but the one that says so."""
    made = FakeOutput()
    monkeypatch.setattr(listening, "find_output", lambda parent: (made, ""))
    return made


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    signal = bearing_signal(known_bearing("SKF 6205-2RS JEM"), "inner", 1797.0, RATE, 3.0, rng, snr_db=6)
    path = tmp_path_factory.mktemp("signals") / "inner.npy"
    np.save(path, signal.astype(np.float32))
    return {
        "id": "inner.npy",
        "file": str(path),
        "channel": "signal",
        "rate": RATE,
        "speed": 1797.0,
        "seconds": 3.0,
    }


@pytest.fixture(scope="module")
def config() -> str:
    chosen = {"data.bearing.kind": "rolling", "data.bearing.model": "SKF 6205-2RS JEM"}
    return dump_yaml(resolve(BearingConfig, [Layer("file", nest(chosen))]))


@pytest.fixture
def window(qtbot: Any) -> Iterator[ViewsWindow]:
    owner = QWidget()
    qtbot.addWidget(owner)
    assert LOOK.views is not None
    made = ViewsWindow(owner, LOOK.views, "recording")
    made.resize(1280, 800)
    yield made
    made.close()
    assert made.panel.requests.session.wait(20_000)


def shown(plot: ViewPlot) -> Shown:
    assert plot.shown is not None
    return plot.shown


def ready(window: ViewsWindow) -> bool:
    plots = window.panel.plots
    return (
        all(plot.shown is not None for name, plot in plots.items() if name != "scores")
        and not window._busy.text()
    )


# ---- the window on a real child process


def test_the_window_shows_all_views_follows_a_zoom_and_plays(
    qtbot: Any, window: ViewsWindow, config: str, recording: dict[str, Any], device: FakeOutput
) -> None:
    window.show_sample(config, recording, facts="Label inner")
    qtbot.waitUntil(lambda: ready(window), timeout=30_000)
    plots, panel = window.panel.plots, window.panel
    assert panel.common.values()["speed"] == 1797.0 and not plots["scores"].isVisible()
    marks = {mark.group: mark.x for mark in shown(plots["envelope"]).marks if mark.harmonic == 1}
    assert marks["BPFI"] == pytest.approx(5.4152 * 1797 / 60, rel=1e-3)
    assert (
        plots["envelope"].range[1] < 700 < shown(plots["envelope"]).extent[1]
    )  # it begins where the fault lines are
    before = plots["envelope"].shown
    plots["signal"].set_range(1.0, 1.5)
    plots["signal"].moved.emit(1.0, 1.5)
    assert plots["spectrogram"].range == pytest.approx((1.0, 1.5))  # views over time move together, at once
    qtbot.waitUntil(lambda: plots["envelope"].shown is not before and ready(window), timeout=30_000)
    assert shown(plots["envelope"]).notes[-1].startswith("2 Hz")  # the spectrum is of what the signal shows
    panel._pointed(plots["signal"], 1.25)
    assert "1.2500 s" in plots["signal"].readout.text() and "1.2500 s" in plots["spectrogram"].readout.text()
    assert panel.player is not None
    panel.player.toggle()
    qtbot.waitUntil(lambda: device.path != "", timeout=30_000)
    played = np.fromfile(device.path, "<i2").reshape(-1, 2)
    assert len(played) == 24_000
    device.at = 0.2
    qtbot.waitUntil(lambda: plots["signal"]._playing.value() == pytest.approx(1.2), timeout=5000)
    device.at = None  # the sound has ended
    qtbot.waitUntil(lambda: not plots["signal"]._playing.isVisible(), timeout=5000)
    assert "Listen" in panel.player.button.text()
    panel.enlarge("envelope")
    assert [name for name, plot in plots.items() if plot.isVisible()] == ["envelope"]


def test_an_option_is_asked_for_and_what_cannot_be_is_said_in_its_place(
    qtbot: Any, window: ViewsWindow, config: str, recording: dict[str, Any]
) -> None:
    window.show_sample(config, recording)
    qtbot.waitUntil(lambda: ready(window), timeout=30_000)
    plots = window.panel.plots
    window.panel.common.set_value("axis", "orders")
    window.panel.common.changed.emit()
    qtbot.waitUntil(lambda: shown(plots["envelope"]).x.unit == "× shaft", timeout=30_000)
    assert plots["envelope"].range[1] < 30
    options = plots["envelope"].options
    options.set_value("band", "own")
    options.set_value("low", 9000.0)
    options.changed.emit()
    qtbot.waitUntil(lambda: not plots["envelope"].message.isHidden(), timeout=30_000)
    assert "band" in plots["envelope"].message.text() and plots["spectrum"].shown is not None


def test_closing_while_a_view_is_computed_leaves_nothing(
    qtbot: Any, window: ViewsWindow, config: str, tmp_path: Path
) -> None:
    path = tmp_path / "long.npy"
    np.save(path, np.random.default_rng(0).standard_normal(8_000_000).astype(np.float32))
    sample = {"id": "long.npy", "file": str(path), "channel": "signal", "rate": 50_000.0, "speed": 1500.0}
    window.show_sample(config, sample)
    qtbot.waitUntil(
        lambda: "Computing" in window._busy.text() or "Reading" in window._busy.text(), timeout=30_000
    )
    window.close()
    assert window.panel.requests.session.wait(20_000)


def test_a_file_that_cannot_be_read_is_told(
    qtbot: Any, window: ViewsWindow, config: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.npy").write_bytes(b"not numpy")
    window.show_sample(
        config, {"id": "broken.npy", "file": str(tmp_path / "broken.npy"), "channel": "signal"}
    )
    qtbot.waitUntil(lambda: "cannot be read" in window.panel.plots["signal"].message.text(), timeout=30_000)
    assert window._busy.text() == ""


# ---- parts


def test_the_page_of_a_prediction_lists_verdicts_and_shows_scores_over_time(
    qtbot: Any, recording: dict[str, Any], tmp_path: Path
) -> None:
    name = "inner.npy"
    (tmp_path / "windows").mkdir()
    (tmp_path / "windows" / "inner.csv").write_text(
        "recording,start_s,end_s,score_inner,score_outer\ninner.npy,0,1,0.9,0.1\ninner.npy,1,2,0.6,0.4\n",
        encoding="utf-8",
    )
    facts = {"rate_hz": RATE, "speed_rpm": 1797.0}
    (tmp_path / "prediction.json").write_text(
        json.dumps({"model": {"run": ""}, "recordings": {"facts": facts}})
    )
    said = {
        "recording": name,
        "words": "inner",
        "scores": [0.75, 0.25],
        "shares": [1, 0],
        "windows": 2,
        "seconds": 3.0,
        "speed": 0,
    }
    lines = [
        {
            "name": name,
            "path": recording["file"],
            "tables": ["windows/inner.csv"],
            "score": {"recordings": [said]},
        },
        {"name": "bad.npy", "path": "bad.npy", "error": "It is empty."},
    ]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = SaidPage("bearing", LOOK)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    page.open_folder(tmp_path)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=10_000)
    assert "1 recording with a verdict" in page.about.text() and "1 file" in page.about.text()
    texts = {page.model.index(row, 0).data(): page.model.index(row, 1).data() for row in range(2)}
    assert texts == {name: "inner", "bad.npy": "–"}
    page.table.selectRow(0)  # sorted by name: the one that failed
    assert "It is empty" in page.panel.plots["signal"].message.text() and not page.closer.isEnabled()
    page.table.selectRow(1)
    plot = page.panel.plots["scores"]
    qtbot.waitUntil(lambda: plot.shown is not None, timeout=30_000)
    assert shown(plot).stacked and [c.name for c in shown(plot).curves] == ["inner", "outer"]
    plot.set_cross(1.5)
    assert "0.6000" in plot.readout.text() and "0.4000" in plot.readout.text()
    page.close_page()
    assert page.panel.requests.session.wait(20_000)


def a_view(**more: Any) -> Shown:
    x = np.linspace(0, 10, 101)
    return Shown(
        Axis("Frequency", "Hz"),
        Axis("Amplitude", "g"),
        (0.0, 10.0),
        curves=[Curve("Amplitude", x, np.sin(x) ** 2)],
        **more,
    )


def test_a_plot_reads_values_marks_and_levels_and_moves_by_keys(qtbot: Any) -> None:
    marks = [Mark(3.0, "BPFO", "BPFO"), Mark(6.0, "BPFO", "2·BPFO", 2), Mark(5.0, "BPFI", "BPFI")]
    plot = ViewPlot(View("spectrum", "Spectrum", axis="spectrum"))
    qtbot.addWidget(plot)
    plot.resize(700, 400)
    plot.show()
    plot.put(a_view(marks=marks, focus=(0.0, 8.0), notes=["0.1 Hz a line."]))
    assert plot.range == pytest.approx((0.0, 8.0)) and "0.1 Hz" in plot.readout.text()
    plot.set_cross(3.01)
    assert "3.0100 Hz" in plot.readout.text() and "BPFO at 3.0000" in plot.readout.text()
    buttons = {b.text(): b for b in plot.marks._buttons.values()}
    assert set(buttons) == {"BPFO", "BPFI"}
    buttons["BPFO"].setChecked(False)
    assert plot.marks.near(3.0, 0.1) is None and plot.marks.near(5.0, 0.1) is not None
    moved: list[tuple[float, float]] = []
    plot.moved.connect(lambda low, high: moved.append((low, high)))
    for key in (Qt.Key_Plus, Qt.Key_Right, Qt.Key_Home):
        qtbot.keyClick(plot, key)
    assert (
        moved[0][1] - moved[0][0] < 8 and moved[1][0] > moved[0][0] and moved[2] == pytest.approx((0.0, 10.0))
    )
    plot.refuse("There is no such band.")
    assert plot.message.isVisible() and plot.readout.text() == "" and not plot.marks._buttons


def test_values_are_those_of_the_place() -> None:
    curve = Curve("y", np.array([0.0, 1.0, 1.0, 2.0]), np.array([5.0, -7.0, 3.0, 1.0]))
    assert value_at(curve, 1.01, 0.1, steps=False) == -7.0  # of two extremes the larger
    assert np.isnan(value_at(curve, 1.5, 0.1, steps=False))
    steps = Curve("p", np.array([0.0, 1.0, 2.0]), np.array([0.2, 0.8, 0.8]))
    assert value_at(steps, 1.5, 0.0, steps=True) == 0.8 and np.isnan(value_at(steps, 2.5, 0.0, steps=True))
    picture = Picture(np.array([[0, 255]], np.uint8), (0.0, 2.0), (0.0, 1.0), -80.0, 0.0, Axis("Level", "dB"))
    assert level_at(picture, 0.5, 0.5) == -80.0 and level_at(picture, 1.5, 0.5) == 0.0
    assert np.isnan(level_at(picture, 3.0, 0.5))
    assert y_range(a_view())[0] == 0.0


def test_options_hide_what_has_no_meaning_and_keep_what_was_chosen(qtbot: Any) -> None:
    made = ViewOptions((
        ViewOption("band", "Band", "whole", (("whole", "All"), ("own", "Own"))),
        ViewOption("low", "From", 1000.0, unit="Hz", when=("band", "own")),
        ViewOption("channel", "Channel", ""), ViewOption("log", "Logarithmic", False), ViewOption("many", "Many", 3),
    ))  # fmt: skip
    qtbot.addWidget(made)
    made.show()
    told: list[int] = []
    made.changed.connect(lambda: told.append(1))
    made.put({"channel": [("a", "a"), ("b", "b")]}, {"channel": "b"})
    assert (
        made.values() == {"band": "whole", "low": 1000.0, "channel": "b", "log": False, "many": 3}
        and not told
    )
    assert made._cells["low"].isHidden()
    made._editors["band"].setCurrentIndex(1)
    assert not made._cells["low"].isHidden() and told == [1]
    made.put({"channel": [("b", "b"), ("c", "c")]}, {})
    assert made.values()["channel"] == "b" and made._editors["low"].text() == "1,000 Hz"


# ---- the device


def test_without_multimedia_the_button_says_why(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PyQt5, "QtMultimedia", raising=False)
    monkeypatch.setitem(sys.modules, "PyQt5.QtMultimedia", None)
    monkeypatch.setattr(listening, "find_output", sound.find_output)
    player = listening.Player()
    qtbot.addWidget(player)
    player.find_device()
    assert player.output is None and not player.button.isEnabled() and "multimedia" in player.words.text()
    player.toggle()
    player.play({})
    player.silence()


class FakeMedia(types.ModuleType):
    """Qt's multimedia part on a machine whose device takes what ``takes`` says."""

    def __init__(self, takes: tuple[int, int] | None) -> None:
        super().__init__("PyQt5.QtMultimedia")
        wanted = QAudioFormatLike(*(takes or (0, 0)))
        self.QAudioFormat = QAudioFormatLike
        device = types.SimpleNamespace(
            isNull=lambda: takes is None, preferredFormat=lambda: wanted, deviceName=lambda: "Speakers",
            isFormatSupported=lambda f: (f.sampleRate(), f.channelCount()) == takes,
        )  # fmt: skip
        self.QAudioDeviceInfo = types.SimpleNamespace(defaultOutputDevice=lambda: device)


class QAudioFormatLike:
    LittleEndian = SignedInt = 1

    def __init__(self, rate: int = 0, channels: int = 0) -> None:
        self._rate, self._channels = rate, channels

    def __getattr__(self, name: str) -> Any:
        if name in ("sampleRate", "channelCount"):
            return lambda: self._rate if name == "sampleRate" else self._channels
        kept = {"setSampleRate": "_rate", "setChannelCount": "_channels"}.get(name, name)
        return lambda value: setattr(self, kept, value)


@pytest.mark.parametrize(
    ("takes", "words"), [(None, "no sound device"), ((44_100, 2), ""), ((48_000, 1), "")]
)
def test_the_device_is_asked_what_it_takes(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch, takes: tuple[int, int] | None, words: str
) -> None:
    fake = FakeMedia(takes)
    monkeypatch.setattr(PyQt5, "QtMultimedia", fake, raising=False)
    monkeypatch.setitem(sys.modules, "PyQt5.QtMultimedia", fake)
    owner = QWidget()
    qtbot.addWidget(owner)
    output, reason = sound.find_output(owner)
    assert words in reason and (output is None) == (takes is None)
    if output is not None:
        assert (output.rate, output.channels) == takes and output.position() is None
        output.stop()
