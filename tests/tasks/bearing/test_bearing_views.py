"""The views of a recording against what is computed directly: lines at their marks, levels, sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.config import Layer, nest, resolve
from src.core.dataset.shown import Shown
from src.core.dataset.views import Asked, ViewCancelledError, ViewRefusedError
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.geometry import known_bearing
from src.tasks.bearing.signals.envelope import envelope_spectrum
from src.tasks.bearing.signals.simulate import bearing_signal
from src.tasks.bearing.signals.spectra import amplitude_spectrum
from src.tasks.bearing.views import OFFERED, VIEWS

RATE, SPEED, SECONDS = 12_000.0, 1797.0, 4.0
BEARING = known_bearing("SKF 6205-2RS JEM")
CWRU = Path(__file__).resolve().parents[4] / "shared" / "data" / "cwru"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A simulated fault of the outer race, and a second channel with a tone of 50 Hz."""
    rng = np.random.default_rng(3)
    fault = bearing_signal(BEARING, "outer", SPEED, RATE, SECONDS, rng, slip=0.002, snr_db=6)
    tone = 2.0 * np.sin(2 * np.pi * 50 * np.arange(len(fault)) / RATE)
    path = tmp_path_factory.mktemp("signals") / "outer.npy"
    np.save(path, np.stack([fault, tone]).astype(np.float32))
    return {
        "id": "outer.npy",
        "file": str(path),
        "channel": "signal[1]",
        "rate": RATE,
        "speed": SPEED,
        "seconds": SECONDS,
    }


def config(**options: Any) -> Any:
    chosen = {"data.bearing.kind": "rolling", "data.bearing.model": BEARING.name} | options
    return resolve(BearingConfig, [Layer("file", nest(chosen))]).config


def ask(
    view: str, sample: dict[str, Any], span: Any = None, across: Any = None, columns: int = 800, **chosen: Any
) -> Shown:
    opened = VIEWS.open(config(), sample)
    own = next(v.options for v in OFFERED if v.id == view)
    options = {o.key: o.default for o in (*VIEWS.common, *own)} | dict(opened.values) | chosen
    return opened.show(Asked(view, options, span, across, columns), lambda *_: None, lambda: False)


def test_the_envelope_spectrum_of_an_outer_race_has_its_peaks_at_the_marks(recording: dict[str, Any]) -> None:
    shown = ask("envelope", recording, harmonics=2, columns=4000, band="own", low=2400.0, high=4800.0)
    curve = shown.curves[0]
    marks = {(m.group, m.harmonic): m.x for m in shown.marks}
    hertz = SPEED / 60
    assert marks["BPFO", 1] == pytest.approx(3.5848 * hertz, rel=1e-3)
    assert marks["BPFI", 1] == pytest.approx(5.4152 * hertz, rel=1e-3)
    assert marks["2×BSF", 1] == pytest.approx(2 * 2.3567 * hertz, rel=1e-3)
    assert marks["FTF", 1] == pytest.approx(0.3983 * hertz, rel=1e-3) and marks["Shaft", 1] == pytest.approx(
        hertz
    )
    assert float(curve.x[np.argmax(curve.y)]) == pytest.approx(marks["BPFO", 1], abs=0.3)
    away = np.abs(curve.x - marks["BPFO", 1]) > 2
    for harmonic in (1, 2):
        near = np.abs(curve.x - marks["BPFO", harmonic]) < 0.5
        assert curve.y[near].max() > 5 * np.median(curve.y[away])


def test_spectra_are_those_of_direct_computation(recording: dict[str, Any]) -> None:
    signal = np.load(recording["file"])[0]
    whole = amplitude_spectrum(signal, RATE)
    shown = ask("spectrum", recording, across=(0.0, 6000.0))
    assert shown.curves[0].y.max() == pytest.approx(whole.values.max(), rel=1e-5)
    assert float(shown.curves[0].x[np.argmax(shown.curves[0].y)]) == pytest.approx(
        whole.axis[np.argmax(whole.values)]
    )
    part = signal[int(1.0 * RATE) : int(2.0 * RATE)]
    band = (2000.0, 5000.0)
    direct = envelope_spectrum(part, RATE, band)
    shown = ask("envelope", recording, (1.0, 2.0), (0.0, 400.0), 4000, band="own", low=band[0], high=band[1])
    np.testing.assert_allclose(shown.curves[0].y[:400], direct.values[:400], rtol=1e-5)
    decibels = ask("spectrum", recording, across=(0.0, 6000.0), scale="db")
    highest = 20 * np.log10(whole.values.max())
    assert decibels.y.unit.startswith("dB") and decibels.curves[0].y.max() == pytest.approx(highest, abs=1e-3)


def test_another_channel_shows_its_own_amplitude(recording: dict[str, Any]) -> None:
    opened = VIEWS.open(config(), recording)
    assert [value for value, _ in opened.choices["channel"]] == ["signal[1]", "signal[2]"]
    curve = ask("spectrum", recording, across=(40.0, 60.0), channel="signal[2]").curves[0]
    assert curve.y.max() == pytest.approx(2.0, rel=1e-3) and curve.x[np.argmax(curve.y)] == pytest.approx(
        50, abs=0.3
    )


def test_orders_sidebands_and_what_lies_beyond_the_spectrum(recording: dict[str, Any]) -> None:
    shown = ask(
        "envelope", recording, axis="orders", sidebands=1, harmonics=1, band="own", low=2400.0, high=4800.0
    )
    assert shown.x.unit == "× shaft"
    places = {(m.group, m.side): m.x for m in shown.marks}
    assert places["BPFI", 0] == pytest.approx(5.4152, abs=1e-3)
    assert places["BPFI", 1] - places["BPFI", 0] == pytest.approx(1.0)
    assert places["2×BSF", 0] - places["2×BSF", -1] == pytest.approx(0.3983, abs=1e-3)
    assert ("BPFO", 1) not in places  # the outer race stands still in its load
    assert shown.curves[0].x[np.argmax(shown.curves[0].y)] == pytest.approx(3.5848, abs=0.02)
    far = ask("spectrum", recording, harmonics=20, speed=30_000.0)
    assert far.marks and max(m.x for m in far.marks) < RATE / 2


def test_without_speed_bearing_or_rate_the_view_says_what_is_missing(recording: dict[str, Any]) -> None:
    shown = ask("envelope", recording, speed=0.0)
    assert not shown.marks and any("speed" in note for note in shown.notes)
    opened = VIEWS.open(config(**{"data.bearing.kind": "unknown", "data.bearing.model": ""}), recording)
    options = {o.key: o.default for o in (*VIEWS.common, *OFFERED[-1].options)} | dict(opened.values)
    shown = opened.show(Asked("envelope", options), lambda *_: None, lambda: False)
    assert {m.group for m in shown.marks} == {"Shaft"} and any("bearing" in note for note in shown.notes)
    with pytest.raises(ViewRefusedError, match="do not fit"):
        ask("spectrum", recording, bearing="own", balls=99, ball_diameter_mm=8.0, pitch_diameter_mm=39.0)
    with pytest.raises(ViewRefusedError, match="half the sampling rate"):
        ask("envelope", recording, band="own", low=5000.0, high=9000.0)
    unknown = ask("signal", recording | {"rate": float("nan") * 0 or 0.0})
    assert unknown.x.unit == "samples" and unknown.extent[1] == RATE * SECONDS


def test_the_signal_keeps_its_peaks_and_shows_its_envelope(recording: dict[str, Any]) -> None:
    signal = np.load(recording["file"])[0]
    shown = ask("signal", recording, columns=100, envelope="whole")
    line, envelope = shown.curves
    assert len(line.x) <= 400 and line.y.min() == signal.min() and line.y.max() == signal.max()
    assert envelope.y.max() >= np.abs(signal).max() * 0.9
    near = ask("signal", recording, (1.0, 1.01), columns=1000).curves[0]
    np.testing.assert_array_equal(near.y, signal[12_000:12_120])


@pytest.mark.parametrize("span", [None, (1.0, 1.2), (1.0, 1.004)])
def test_the_spectrogram_shows_a_tone_at_its_frequency(recording: dict[str, Any], span: Any) -> None:
    shown = ask("spectrogram", recording | {"channel": "signal[2]"}, span, columns=300, segment="64")
    picture = shown.picture
    assert picture is not None and picture.levels.dtype == np.uint8
    step = (picture.y[1] - picture.y[0]) / len(picture.levels)
    assert step == pytest.approx(RATE / (48 if span == (1.0, 1.004) else 64))  # never longer than the stretch
    assert (picture.levels.argmax(0) <= 1).all()  # 50 Hz lies in the first line or the second
    low, high = span or (0.0, SECONDS)
    assert low - 1e-9 <= picture.x[0] < picture.x[1] <= high + 1e-9


def test_long_stretches_are_averaged_and_can_be_given_up(tmp_path: Path) -> None:
    path = tmp_path / "long.npy"
    rng = np.random.default_rng(0)
    signal = (
        rng.standard_normal(3_000_000) + np.sin(2 * np.pi * 1000 * np.arange(3_000_000) / 50_000)
    ).astype(np.float32)
    np.save(path, signal)
    sample = {"id": "long.npy", "file": str(path), "channel": "signal", "rate": 50_000.0, "speed": 1500.0}
    shown = ask("spectrum", sample, across=(900.0, 1100.0))
    assert any("pieces" in note for note in shown.notes)
    assert shown.curves[0].y.max() == pytest.approx(1.0, rel=0.05)
    assert len(ask("signal", sample).curves[0].x) <= 3200
    opened = VIEWS.open(config(), sample)
    with pytest.raises(ViewCancelledError):
        opened.show(Asked("signal"), lambda *_: None, lambda: True)


def test_sound_is_as_loud_as_it_may_be_and_slower_is_longer(
    recording: dict[str, Any], tmp_path: Path
) -> None:
    opened = VIEWS.open(config(), recording | {"channel": "signal[2]"})
    asked = Asked("", dict(opened.values), (0.5, 1.5))
    path = tmp_path / "sound.pcm"
    heard = opened.listen(asked, 1.0, 48_000, 2, path, lambda: False)
    values = np.fromfile(path, "<i2").reshape(-1, 2)
    assert heard.span == (0.5, 1.5) and len(values) == 48_000 and (values[:, 0] == values[:, 1]).all()
    assert 3000 < np.abs(values).max() <= 32767 * 0.9
    tone = amplitude_spectrum(values[:, 0].astype(float), 48_000.0)
    assert tone.axis[np.argmax(tone.values)] == pytest.approx(50, abs=1)
    opened.listen(asked, 0.5, 48_000, 1, path, lambda: False)
    slow = np.fromfile(path, "<i2")
    tone = amplitude_spectrum(slow.astype(float), 48_000.0)
    assert len(slow) == 96_000 and tone.axis[np.argmax(tone.values)] == pytest.approx(25, abs=1)
    with pytest.raises(ViewRefusedError, match="sampling rate"):
        VIEWS.open(config(), recording | {"rate": 0.0}).listen(asked, 1.0, 48_000, 1, path, lambda: False)


def test_scores_over_time_are_means_where_windows_overlap(recording: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(
        "recording,start_s,end_s,score_inner,score_outer\nouter.npy,0,1,0.2,0.8\nouter.npy,0.5,1.5,0.4,0.6\n"
        "other.npy,0,1,1,0\nouter.npy,2,3,0,1\n", encoding="utf-8",
    )  # fmt: skip
    asked = recording | {
        "prediction": {
            "folder": str(tmp_path),
            "table": path.name,
            "recording": "outer.npy",
            "verdict": "outer",
        }
    }
    shown = ask("scores", asked)
    inner = shown.curves[0]
    assert (
        shown.stacked and [c.name for c in shown.curves] == ["inner", "outer"] and "outer" in shown.notes[0]
    )
    np.testing.assert_allclose(inner.x, [0, 0.5, 1, 1.5, 2, 3])
    np.testing.assert_allclose(inner.y[:5], [0.2, 0.3, 0.4, np.nan, 0.0], atol=1e-12)
    assert "scores" in VIEWS.open(config(), recording).hidden
    with pytest.raises(ViewRefusedError, match="no scores"):
        ask(
            "scores",
            recording | {"prediction": {"folder": str(tmp_path), "table": path.name, "recording": "x"}},
        )


def test_a_file_that_is_gone_or_changed_is_told(recording: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ViewRefusedError, match="cannot be read"):
        VIEWS.open(config(), recording | {"file": str(tmp_path / "gone.npy")})
    with pytest.raises(ViewRefusedError, match="no channel"):
        VIEWS.open(config(), recording | {"channel": "other"})


@pytest.mark.skipif(not CWRU.is_dir(), reason="the recordings of ../shared/data/cwru are not here")
def test_a_real_inner_race_has_its_highest_line_at_the_mark() -> None:
    channel = "X105_DE_time"
    sample = {
        "id": "105_0.mat",
        "file": str(CWRU / "105_0.mat"),
        "channel": channel,
        "rate": RATE,
        "speed": SPEED,
    }
    shown = ask("envelope", sample, columns=4000)
    assert {m.group for m in shown.marks} == {"Shaft", "FTF", "BPFO", "BPFI", "2×BSF"}
    place = next(m.x for m in shown.marks if (m.group, m.harmonic) == ("BPFI", 1))
    highest = float(shown.curves[0].x[np.argmax(shown.curves[0].y)])
    assert highest == pytest.approx(place, rel=0.01)
    assert ask("spectrogram", sample).picture is not None
