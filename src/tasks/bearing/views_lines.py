"""Views of a recording over frequency: spectrum and envelope spectrum, with the lines at which faults show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.core.dataset.shown import Axis, Curve, Mark, Shown, Span
from src.core.dataset.thinning import thinned
from src.core.dataset.views import ViewRefusedError
from src.tasks.bearing.geometry import RollingBearing
from src.tasks.bearing.signals.envelope import Band, checked_band, envelope_spectrum, whitened
from src.tasks.bearing.signals.kurtogram import kurtogram
from src.tasks.bearing.signals.spectra import Spectrum, amplitude_spectrum
from src.tasks.bearing.views_recording import Stretch

#: Longer stretches are transformed in pieces of this length, whose power is averaged.
_WHOLE, _PIECE, _MOST_PIECES = 1 << 20, 1 << 18, 64
_KURTOGRAM_SAMPLES = 1 << 17
_LEAST = 256
#: Fault lines lie in the first few per cent of a spectrum: the view begins with so much beyond the last of them.
_BEYOND = 1.15


def frequency_axis(known_rate: bool) -> Axis:
    """Hertz, or a share of the rate where that is not known."""
    return Axis("Frequency", "Hz") if known_rate else Axis("Frequency", "of the rate")


@dataclass(frozen=True)
class Shaft:
    """What turns a recording's frequencies into orders and marks.

    Attributes:
        bearing: None: not known.
        hertz: Of the shaft; 0: not known.
        orders: The axis counts orders.
    """

    bearing: RollingBearing | None
    hertz: float
    orders: bool

    @property
    def unit(self) -> float:
        """Hz in one step of the axis's unit."""
        return self.hertz if self.orders else 1.0

    def axis(self, known_rate: bool) -> Axis:
        """Of the frequencies."""
        return Axis("Order", "× shaft") if self.orders else frequency_axis(known_rate)

    def marks(self, options: Mapping[str, Any], highest: float) -> list[Mark]:
        """The fault frequencies below ``highest`` Hz, their harmonics and sidebands."""
        if not self.hertz:
            return []
        lines = {"Shaft": (1.0, 0.0)}
        if self.bearing is not None:
            side = self.bearing.modulation_orders()
            lines |= {
                "FTF": (self.bearing.ftf, 0.0), "BPFO": (self.bearing.bpfo, side["outer"]),
                "BPFI": (self.bearing.bpfi, side["inner"]), "2×BSF": (self.bearing.ball_defect, side["ball"]),
            }  # fmt: skip
        scale = 1.0 if self.orders else self.hertz
        sides = int(options.get("sidebands") or 0)
        found = []
        for group, (order, apart) in lines.items():
            for harmonic in range(1, int(options.get("harmonics") or 1) + 1):
                for side_number in range(-sides, sides + 1) if apart else (0,):
                    place = order * harmonic + side_number * apart
                    if 0 < place * self.hertz < highest:
                        label = group if harmonic == 1 else f"{harmonic}·{group}"
                        found.append(
                            Mark(
                                place * scale, group, label if not side_number else "", harmonic, side_number
                            )
                        )
        return found

    def notes(self) -> list[str]:
        """Why there are no marks."""
        if not self.hertz:
            return ["The speed is not known: give it above, and the fault frequencies are marked."]
        if self.bearing is None:
            return ["The bearing is not known: choose it above, and its fault frequencies are marked."]
        return []


def shaft_of(stretch: Stretch) -> Shaft:
    """Bearing and speed of a view."""
    options, recording = stretch.asked.options, stretch.recording
    speed = float(options.get("speed") or 0.0)
    hertz = speed / 60.0 if recording.known_rate else 0.0
    return Shaft(recording.bearing(options), hertz, str(options.get("axis")) == "orders" and hertz > 0)


def spectrum(stretch: Stretch) -> Shown:
    """Amplitude spectrum of the stretch."""
    rate = stretch.recording.rate
    found, notes = _averaged(stretch, "spectrum", lambda values: amplitude_spectrum(values, rate))
    decibels = str(stretch.asked.options.get("scale")) == "db"
    y = Axis("Amplitude", "dB, re 1") if decibels else Axis("Amplitude", "as recorded")
    values = 20 * np.log10(np.maximum(found.values, 1e-12)) if decibels else found.values
    return _shown(stretch, Spectrum(values, found.step), y, "Amplitude", notes)


def envelope_lines(stretch: Stretch) -> Shown:
    """Spectrum of the squared envelope of the band that was chosen."""
    options, rate = stretch.asked.options, stretch.recording.rate
    shaft = shaft_of(stretch)
    band, notes = band_of(stretch, str(options.get("band") or "kurtogram"))
    whiten = str(options.get("whiten") or "none")
    width = 0.0
    if whiten == "local":
        if shaft.bearing is None or not shaft.hertz:
            raise ViewRefusedError(
                "Local whitening needs the bearing and the speed: give them above, or choose another whitening."
            )
        width = 3 * shaft.bearing.bpfi * shaft.hertz

    def of_piece(values: np.ndarray) -> Spectrum:
        flat = values if whiten == "none" else whitened(values, rate, width)
        return envelope_spectrum(flat, rate, band)

    found, more = _averaged(stretch, ("envelope", band, whiten, width), of_piece)
    return _shown(stretch, found, Axis("Envelope²", "as recorded²"), "Envelope²", notes + more)


def band_of(stretch: Stretch, kind: str) -> tuple[Band | None, list[str]]:
    """The band whose envelope is taken, and what a person should know of it.

    Raises:
        ViewRefusedError: The band does not lie in the recording's spectrum.
    """
    rate, options = stretch.recording.rate, stretch.asked.options
    if kind == "whole":
        return None, []
    if kind == "own":
        try:
            return checked_band((float(options["low"]), float(options["high"])), rate), []
        except ValueError as error:
            raise ViewRefusedError(str(error)) from error
    if stretch.count < _LEAST:
        return None, ["The stretch is too short for a kurtogram: all frequencies are taken."]

    def made() -> Any:
        spare = max(0, stretch.count - _KURTOGRAM_SAMPLES) // 2
        return kurtogram(stretch.read(stretch.first + spare, stretch.last - spare), rate)

    found = stretch.recording.keep(("kurtogram", stretch.channel, stretch.first, stretch.last), made)
    low, high = found.best
    unit = " Hz" if stretch.recording.known_rate else ""
    return (low, min(high, rate / 2)), [
        f"Kurtogram: band {_plain(low)} to {_plain(high)}{unit}, kurtosis {found.kurtosis:.3g}."
    ]


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _averaged(
    stretch: Stretch, key: Any, of_piece: Callable[[np.ndarray], Spectrum]
) -> tuple[Spectrum, list[str]]:
    """The spectrum of the stretch, or the root of the mean power of pieces of it; kept for the next zoom."""

    def made() -> tuple[Spectrum, list[str]]:
        if stretch.count <= _WHOLE:
            stretch.told(0, 1, "Computing the spectrum")
            found = of_piece(stretch.read(stretch.first, stretch.last))
            return found, []
        many = min(_MOST_PIECES, stretch.count // _PIECE)
        starts = stretch.first + np.linspace(0, stretch.count - _PIECE, many).astype(int)
        power: np.ndarray | float = 0.0
        for number, start in enumerate(starts):
            stretch.told(number, many, "Computing the spectrum")
            part = of_piece(stretch.read(int(start), int(start) + _PIECE))
            power = power + part.values.astype(np.float64) ** 2
        seconds = _PIECE / stretch.recording.rate
        note = f"Mean power of {many} pieces of {seconds:.3g} s, spread evenly over the stretch; zoom in for finer lines."
        return Spectrum(np.sqrt(power / many).astype(np.float32), part.step), [note]

    found: tuple[Spectrum, list[str]] = stretch.recording.keep(
        (key, stretch.channel, stretch.first, stretch.last), made
    )
    return found


def _shown(stretch: Stretch, found: Spectrum, y: Axis, name: str, notes: list[str]) -> Shown:
    shaft, asked, known = shaft_of(stretch), stretch.asked, stretch.recording.known_rate
    step, count = found.step / shaft.unit, len(found.values)
    extent: Span = (0.0, (count - 1) * step)
    marks = shaft.marks(asked.options, found.step * (count - 1))
    main = [mark.x for mark in marks if mark.group != "Shaft"] or [mark.x for mark in marks]
    focus = (0.0, min(extent[1], max(main) * _BEYOND)) if main else None
    low, high = asked.across or focus or extent
    first = min(max(0, int(low / step) - 1), count - 2)
    last = min(count, max(first + 2, int(np.ceil(high / step)) + 2))
    kept, values = thinned(np.ascontiguousarray(found.values[first:last]), asked.columns)
    unit = "× shaft" if shaft.orders else "Hz"
    fine = [f"{step:.3g} {unit} a line."] if known else []
    return Shown(
        shaft.axis(known), y, extent, focus, [Curve(name, (first + kept) * step, values.astype(np.float32))], marks,
        notes=[*notes, *fine, *shaft.notes()],
    )  # fmt: skip
