"""The envelope rule: names the damaged part without any training.

The squared envelope spectrum of a window has lines at the damaged part's order and its harmonics. For each part the
rule takes the power of the strongest bin near each of the first harmonics over the median power of the spectrum around
it, and takes their mean; the part with the largest mean is named. The spectrum of the signal is whitened first, so that
the band of a weak fault counts as much as that of a loud resonance; the benchmark of W. A. Smith and R. B. Randall
("Rolling element bearing diagnostics using the Case Western Reserve University data: a benchmark study", Mechanical
Systems and Signal Processing 64-65 (2015) 100-131) found pre-whitening the best general first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import scipy.fft

from src.tasks.bearing.geometry import PARTS, RollingBearing, revolutions_per_second
from src.tasks.bearing.signals.envelope import Band, envelope_spectrum, whitened
from src.tasks.bearing.signals.kurtogram import kurtogram
from src.tasks.bearing.signals.spectra import Array, Spectrum, checked

#: The parts in the order of the columns of `EnvelopeRule.scores`.
PART_NAMES: Final = tuple(PARTS)
#: Width over which the spectrum is flattened, in BPFI: wide enough that each average holds several of a defect's lines.
_WHITENING = 3.0
#: Bins of the padded spectrum in one bin of the window's own resolution: a line between two bins loses nothing.
_PADDING = 4
#: Orders at which `EnvelopeRule.chance` looks, between these two.
_CHANCE_ORDERS = np.linspace(1.5, 9.5, 161)


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a recording.

    Attributes:
        part: ``inner``, ``outer`` or ``ball``; ``healthy`` where the best score is not above ``chance``.
        scores: Mean logarithm of the windows' scores by part.
        chance: The score that one order in a hundred without a defect would reach; 0 where health was not asked for.
        windows: The part that each window names; -1 for healthy, else an index in `PART_NAMES`.
    """

    part: str
    scores: dict[str, float]
    chance: float
    windows: Array


@dataclass(frozen=True)
class EnvelopeRule:
    """The largest signal-to-noise ratio in the envelope spectrum at BPFI, BPFO and 2 × BSF.

    Attributes:
        bearing: Geometry.
        band: Hz; ``whole``; or ``kurtogram``: the most impulsive band of each window.
        whiten: ``local``: the spectrum is flattened over three times BPFI, which leaves lines of the defect standing;
            ``cepstrum``: line by line, for machines with loud tones of gears or mains, where the impulses of a defect
            slip; ``none``.
        harmonics: Lines of each part that are looked at; those above the spectrum's end are left out for all parts alike.
        slip: How far, as a share, a line may lie from its order.
        background: Orders on each side of a line whose median is the noise.
    """

    bearing: RollingBearing
    band: Band | Literal["whole", "kurtogram"] = "whole"
    whiten: Literal["local", "cepstrum", "none"] = "local"
    harmonics: int = 3
    slip: float = 0.01
    background: float = 0.5

    def spectrum(self, window: Array, rate: float, shaft: float) -> Spectrum:
        """Squared envelope spectrum that the rule reads.

        Args:
            window: samples.
            rate: Hz.
            shaft: Hz.
        """
        window = checked(window, rate, 64)
        band = self.band if not isinstance(self.band, str) else None
        if self.band == "kurtogram":
            band = kurtogram(window, rate).best
        if self.whiten != "none":
            width = _WHITENING * self.bearing.bpfi * shaft if self.whiten == "local" else 0.0
            window = whitened(window, rate, width)
        points = scipy.fft.next_fast_len(_PADDING * len(window), real=True)
        return envelope_spectrum(window, rate, band, points=points)

    def scores(self, windows: Array, rate: float, speed_rpm: float | Sequence[float] | Array) -> Array:
        """Score of each part in each window.

        Args:
            windows: windows × samples, or one window.
            rate: Hz.
            speed_rpm: rev/min; one for all, or one a window.

        Returns:
            windows × 3 float64, columns as `PART_NAMES`. Noise alone has 2 to 5, a clear defect 20 and more.

        Raises:
            ValueError: where a speed is missing or a part's frequency lies above half the sampling rate.
        """
        return self._scores_at(
            windows, rate, speed_rpm, np.array(list(self.bearing.defect_orders().values()))
        )

    def _scores_at(
        self, windows: Array, rate: float, speed_rpm: float | Sequence[float] | Array, orders: Array
    ) -> Array:
        windows = np.atleast_2d(windows)
        speeds = np.broadcast_to(np.asarray(speed_rpm, dtype=np.float64), len(windows))
        found = np.empty((len(windows), len(orders)))
        for row, (window, speed) in enumerate(zip(windows, speeds, strict=True)):
            shaft = revolutions_per_second(float(speed))
            spectrum = self.spectrum(window, rate, shaft)
            found[row] = self._line_scores(
                spectrum.values.astype(np.float64) ** 2, spectrum.step / shaft, orders
            )
        return found

    def _line_scores(self, power: Array, step: float, orders: Array) -> Array:
        """Score of each order in one power spectrum whose bins lie ``step`` orders apart."""
        last = (len(power) - 1) * step
        greatest = float(max(orders.max(), self.bearing.bpfi)) + self.background
        count = min(self.harmonics, int(last / greatest))
        if count < 1:
            raise ValueError(
                f"The envelope spectrum ends at order {last:.3g}, below the highest fault order ({greatest:.3g}): the "
                "sampling rate is too low for this bearing at this speed."
            )
        scores = np.zeros(len(orders))
        for harmonic in range(1, count + 1):
            for column, order in enumerate(orders * harmonic):
                near = max(self.slip * order, _PADDING * step)
                around = max(self.background, 3 * near)
                line = power[max(1, int((order - near) / step)) : int(np.ceil((order + near) / step)) + 1]
                noise = np.median(
                    power[max(1, int((order - around) / step)) : int((order + around) / step) + 1]
                )
                scores[column] += line.max() / noise if noise > 0 else 0.0
        return scores / count

    def chance(self, windows: Array, rate: float, speed_rpm: float | Sequence[float] | Array) -> Array:
        """The score in each window that 99 of 100 orders without a meaning stay below.

        Looks, in the same spectrum, at orders that are no harmonic of the shaft or of a defect; needs no
        threshold from other recordings.

        Returns:
            windows, float64.
        """
        marks = [1.0, *self.bearing.defect_orders().values()]
        free = [
            order for order in _CHANCE_ORDERS
            if all(abs(order - mark * max(1, round(order / mark))) > 2 * self.slip * order for mark in marks)
        ]  # fmt: skip
        return np.quantile(self._scores_at(windows, rate, speed_rpm, np.array(free)), 0.99, axis=1)

    def name(self, windows: Array, rate: float, speed_rpm: float | Sequence[float] | Array) -> Array:
        """Index in `PART_NAMES` of the part that each window names."""
        return self.scores(windows, rate, speed_rpm).argmax(1)

    def verdict(
        self,
        windows: Array,
        rate: float,
        speed_rpm: float | Sequence[float] | Array,
        *,
        may_be_healthy: bool = False,
    ) -> Verdict:
        """What all windows of one recording say together: the mean of the logarithms of their scores.

        Args:
            windows: windows × samples, of one recording.
            may_be_healthy: Compare with `chance`; else one of the three parts is named in any case.
        """
        logs = np.log(np.maximum(self.scores(windows, rate, speed_rpm), 1e-12))
        named = logs.argmax(1)
        mean = logs.mean(0)
        part, level = PART_NAMES[int(mean.argmax())], 0.0
        if may_be_healthy:
            chance = np.log(np.maximum(self.chance(windows, rate, speed_rpm), 1e-12))
            named = np.where(logs.max(1) > chance, named, -1)
            level = float(chance.mean())
            part = part if mean.max() > level else "healthy"
        return Verdict(part, dict(zip(PART_NAMES, mean.tolist(), strict=True)), level, named)
