"""Views of a recording over time: the signal with its envelope, and the spectrogram."""

from __future__ import annotations

import numpy as np

from src.core.dataset.shown import Axis, Curve, Picture, Shown, Span
from src.core.dataset.thinning import thinned
from src.tasks.bearing.signals.envelope import envelope
from src.tasks.bearing.signals.time_frequency import stft
from src.tasks.bearing.views_lines import band_of, frequency_axis
from src.tasks.bearing.views_recording import Stretch

#: Longer stretches get no envelope: it is computed whole, and a screen could not show it.
_MOST_ENVELOPE = 1 << 21
#: Decibels below the loudest at which the picture ends.
_DEPTH_DB = 80.0
_MOST_COLUMNS = 1200
#: Segments that one column of the picture averages at most; of the others between them nothing is read.
_MOST_A_COLUMN = 8


def time_axis(known_rate: bool) -> Axis:
    """Seconds, or samples where the rate is not known."""
    return Axis("Time", "s") if known_rate else Axis("Time", "samples")


def amplitude_axis() -> Axis:
    """Recordings do not say in which unit they are."""
    return Axis("Amplitude", "as recorded")


def signal(stretch: Stretch) -> Shown:
    """The recording, no more points than the screen shows, no peak lost."""
    recording, asked = stretch.recording, stretch.asked
    extremes = recording.extremes(stretch.channel, stretch.told)
    places, values = extremes.stretch(stretch.first, stretch.last, asked.columns)
    curves, notes = [Curve("Signal", places / recording.rate, values)], []
    kind = str(asked.options.get("envelope") or "off")
    if kind != "off" and stretch.count > _MOST_ENVELOPE:
        notes.append(
            f"Zoom in to see the envelope: it is drawn over at most {_MOST_ENVELOPE / recording.rate:,.0f} s."
        )
    elif kind != "off":
        band, said = band_of(stretch, kind)
        found = envelope(stretch.read(stretch.first, stretch.last), recording.rate, band)
        kept, values = thinned(found, asked.columns)
        curves.append(Curve("Envelope", (stretch.first + kept) / recording.rate, values.astype(np.float32)))
        notes += said
    if not recording.known_rate:
        notes.append("The sampling rate is not known: give it in the options of the data.")
    return Shown(
        time_axis(recording.known_rate), amplitude_axis(), recording.extent, curves=curves, notes=notes
    )


def spectrogram(stretch: Stretch) -> Shown:
    """Levels in decibels over time and frequency."""
    recording, asked = stretch.recording, stretch.asked
    length = int(asked.options.get("segment") or 0) or _segment(stretch.count)
    length = min(length, stretch.count)
    columns = max(16, min(_MOST_COLUMNS, asked.columns))
    power, (first, last), notes = _columns(stretch, length, columns)
    level = 10 * np.log10(np.maximum(power, 1e-30))
    high = float(level.max())
    low = max(float(level.min()), high - _DEPTH_DB)
    if high - low < 1.0:
        low = high - 1.0
    scaled = np.clip((level - low) / (high - low), 0, 1) * 255
    step = recording.rate / length
    top = (power.shape[0] - 0.5) * step
    picture = Picture(
        np.round(scaled).astype(np.uint8), (first / recording.rate, last / recording.rate),
        (-step / 2, top), low, high, Axis("Level", "dB"),
    )  # fmt: skip
    notes.insert(
        0,
        f"Segments of {length:,} samples: {step:.4g} {'Hz' if recording.known_rate else ''} a line".strip()
        + ".",
    )
    return Shown(
        time_axis(recording.known_rate), frequency_axis(recording.known_rate), recording.extent,
        picture=picture, notes=notes,
    )  # fmt: skip


def _segment(count: int) -> int:
    """A segment that gives a picture about as many lines as columns, a power of two."""
    return int(2 ** np.clip(np.round(np.log2(max(2.0, np.sqrt(2.0 * count)))), 5, 10))


def _columns(stretch: Stretch, length: int, columns: int) -> tuple[np.ndarray, Span, list[str]]:
    """Mean power of the segments of each column, frequencies × columns; the samples they cover; what was left out."""
    room, rate = stretch.count - length, stretch.recording.rate
    if room < columns:
        hop = max(1, min(length // 8, room))
        values = stft(stretch.read(stretch.first, stretch.last), rate, length, hop).values
        start = stretch.first + (length - hop) / 2
        return values.astype(np.float64) ** 2, (start, start + hop * values.shape[-1]), []
    wide = stretch.count / columns
    many = int(np.clip(np.ceil(2 * wide / length), 1, _MOST_A_COLUMN))
    power = np.empty((length // 2 + 1, columns))
    inside = (np.arange(many) + 0.5) / many * wide - length / 2
    for column in range(columns):
        if column % 64 == 0:
            stretch.told(column, columns, "Computing the spectrogram")
        starts = stretch.first + np.clip(column * wide + inside, 0, room).astype(int)
        if starts[-1] - starts[0] < 4 * many * length:
            piece = stretch.read(int(starts[0]), int(starts[-1]) + length)
            parts = np.stack([piece[s - starts[0] : s - starts[0] + length] for s in starts])
        else:
            parts = np.stack([stretch.read(int(s), int(s) + length) for s in starts])
        values = stft(parts, rate, length, length).values[..., 0]
        power[:, column] = (values.astype(np.float64) ** 2).mean(0)
    note = f"Each column shows {many} segments out of {wide / rate:,.3g} s; zoom in to see all."
    return power, (stretch.first, stretch.last), [note] if many * length < 0.99 * wide else []
