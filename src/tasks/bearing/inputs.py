"""What the network sees of a window: a pure function of its samples, its speed and the options. Torch-free."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import median_filter

from src.tasks.bearing.geometry import PARTS
from src.tasks.bearing.learning_config import InputsConfig
from src.tasks.bearing.naming import fault_of
from src.tasks.bearing.pictures import picture
from src.tasks.bearing.signals.band_spectra import SignalBand, band_envelope_spectra, padded_length
from src.tasks.bearing.signals.kurtogram import kurtogram

#: Parts of a rolling bearing, in the order in which a network sees their lines.
KINDS = tuple(PARTS)
#: Half the width, in orders, within which a line is looked for: slip moves it, and so does the speed.
_TOLERANCE = 0.06
#: Harmonics that count as evidence for a fault.
_EVIDENCE_LINES = 3
_SMALLEST = 1e-9


def fault_kind(label: str) -> str:
    """The part of `KINDS` that a class name speaks of; empty where it speaks of none of them."""
    found = fault_of(label)
    return found if found in KINDS else ""


@dataclass(frozen=True)
class LineGrid:
    """Where the surroundings of the fault lines lie on the order axis.

    Attributes:
        orders: Of the parts of `KINDS`.
        places: K×H×offsets, orders at which the spectrum is read.
    """

    orders: tuple[float, ...]
    places: np.ndarray

    @classmethod
    def of(cls, orders: Mapping[str, float], options: InputsConfig) -> LineGrid:
        """The grid for a bearing with these orders of its faults."""
        known = tuple(orders[kind] for kind in KINDS)
        offsets = np.arange(
            -round(options.around / options.order_step), round(options.around / options.order_step) + 1
        )
        lines = np.outer(known, np.arange(1, options.harmonics + 1))
        return cls(known, lines[..., None] + offsets * options.order_step)


class InputMaker:
    """Computes the inputs that are switched on.

    Attributes:
        names: Of the inputs, in the order of their branches.
        orders: Orders of the faults by the names of `KINDS`, or None where the bearing is not known.
    """

    def __init__(self, options: InputsConfig, rate: float, orders: Mapping[str, float] | None) -> None:
        """
        Args:
            options: Of the configuration.
            rate: Samples a second of every window, Hz.
            orders: Of the faults; None where the bearing is not known.

        Raises:
            ValueError: Fault lines are asked for and the bearing is not known, or no input is on.
        """
        self.options, self.rate, self.orders = options, rate, orders
        self.names = options.used
        if not self.names:
            raise ValueError("No input is switched on: the network would see nothing.")
        if options.lines and orders is None:
            raise ValueError(
                "The fault lines need the bearing's geometry: give it, or take the envelope spectrum instead."
            )
        self.grid = LineGrid.of(orders, options) if orders is not None else None

    def channels(self, name: str) -> int:
        """Channels of an input: one for each band of the envelope, else one."""
        return len(self.bands) if name in ("lines", "envelope") else 1

    @property
    def bands(self) -> list[SignalBand]:
        """Where the envelope is taken, as far as that does not depend on the window."""
        return self._bands(np.zeros(0))

    @property
    def trusted_band(self) -> int:
        """The band whose lines say most before anything is learnt: the whitened signal where it is among them."""
        return 1 if self.options.band == "several" else 0

    def needs_speed(self) -> bool:
        """Whether an input cannot be computed without the speed."""
        return self.options.lines or (self.options.envelope and self.options.axis == "order")

    def __call__(self, window: np.ndarray, speed: float) -> dict[str, np.ndarray]:
        """The inputs by name, float32.

        Args:
            window: Samples, one dimension.
            speed: rev/min.

        Returns:
            ``lines`` K×bands×H×offsets, ``envelope`` bands×axis, ``fft`` 1×frequencies, ``raw`` 1×samples, pictures
            1×side×side.

        Raises:
            ValueError: The speed is not known and an input needs it.
        """
        if self.needs_speed() and not speed > 0:
            raise ValueError("The speed of this recording is not known, and the inputs need it.")
        x = standardised(window)
        found: dict[str, np.ndarray] = {}
        spectra = None
        if self.options.lines or self.options.envelope:
            spectra = band_envelope_spectra(x, self.rate, self._bands(x), self._highest(speed))
        for name in self.names:
            if spectra is not None and name == "lines":
                value = self._lines(self._whitened(spectra, len(x), speed / 60))
            elif spectra is not None and name == "envelope":
                shaft = speed / 60 if self.options.axis == "order" else 0.0
                value = self._whitened(spectra, len(x), shaft)
            elif name == "fft":
                value = standardised(np.log(np.abs(rfft(x * np.hanning(len(x)))) + _SMALLEST))[None]
            elif name == "raw":
                value = x[None]
            else:
                value = picture(name, x, self.rate, self.options.picture_side)[None]
            found[name] = np.ascontiguousarray(value, np.float32)
        return found

    def line_snr(self, window: np.ndarray, speed: float) -> np.ndarray:
        """How far the lines of each kind stand out of the envelope spectrum of the whole signal: K amplitude ratios.

        The geometric mean over the first harmonics of the largest value near each; NaN where speed or bearing are not
        known.
        """
        if self.grid is None or not speed > 0:
            return np.full(len(KINDS), np.nan, np.float32)
        x, highest = standardised(window), self.options.highest_order * speed / 60
        spectra = band_envelope_spectra(x, self.rate, ["whole"], highest)
        spectrum = self._whitened(spectra, len(x), speed / 60)[0]
        step = self.options.order_step
        reach = np.arange(-max(1, round(_TOLERANCE / step)), max(1, round(_TOLERANCE / step)) + 1) * step
        lines = np.outer(self.grid.orders, np.arange(1, _EVIDENCE_LINES + 1))
        near = _read(spectrum, (lines[..., None] + reach) / step)
        return np.exp(near.max(-1).mean(-1)).astype(np.float32)

    def _bands(self, x: np.ndarray) -> list[SignalBand]:
        """Where the envelope is taken."""
        options, half = self.options, self.rate / 2
        if options.band == "several":
            edges = (np.linspace(1 / 12, 29 / 30, 6) * half).tolist()
            return ["whole", "whitened", *itertools.pairwise(edges)]
        if options.band == "set":
            return [(options.band_low, options.band_high)]
        if options.band == "kurtogram" and len(x):
            best = kurtogram(x, self.rate).best
            return ["whole" if best is None else best]
        return ["whole"]

    def _highest(self, speed: float) -> float:
        """The frequency in Hz up to which envelope spectra are read."""
        options = self.options
        by_order = options.lines or (options.envelope and options.axis == "order")
        in_hertz = options.envelope and options.axis == "hz"
        return max(by_order * options.highest_order * speed / 60, in_hertz * options.highest_hz)

    def _whitened(self, spectra: np.ndarray, length: int, shaft: float) -> np.ndarray:
        """Logarithm over its running median, on the order axis (``shaft`` in Hz) or, with 0, on the axis in Hz.

        ``length``: samples of the window.
        """
        options = self.options
        count = round(options.highest_order / options.order_step)
        step = options.order_step * shaft if shaft else options.highest_hz / count
        hertz = self.rate / padded_length(length)
        values = np.log(_read(spectra, np.arange(count) * (step / hertz)) + _SMALLEST)
        width = max(3, round(1 / options.order_step)) | 1
        # All rows as one line with their own ends between them: scipy is many times faster with one dimension
        padded = np.pad(values, ((0, 0), (width // 2, width // 2)), "edge")
        medians = median_filter(padded.reshape(-1), width).reshape(padded.shape)
        return values - medians[:, width // 2 : width // 2 + count]

    def _lines(self, whitened: np.ndarray) -> np.ndarray:
        assert self.grid is not None
        return np.moveaxis(_read(whitened, self.grid.places / self.options.order_step), 0, 1)


def standardised(x: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1, float64; of a constant signal all zeros."""
    x = np.asarray(x, np.float64)
    x = x - x.mean()
    deviation = x.std()
    return x / deviation if deviation > 1e-12 else np.zeros_like(x)


def _read(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values along the last axis at places between its samples, by straight lines; beyond the ends those of the ends."""
    places = np.clip(places, 0, values.shape[-1] - 1.001)
    low = places.astype(np.int64)
    share = places - low
    found: np.ndarray = values[..., low] * (1 - share) + values[..., low + 1] * share
    return found
