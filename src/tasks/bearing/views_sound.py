"""A stretch of a recording as sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from src.core.dataset.views import Sound, ViewRefusedError
from src.tasks.bearing.signals.resample import resample
from src.tasks.bearing.views_recording import Stretch

#: Seconds of listening at most: what is longer is heard in parts.
MOST_SECONDS = 120.0
#: Loudness as a share of full scale: of the whole as root mean square, and of the highest peak. Impulses keep their
#: height over the rest, so that a recording with strong ones is quieter on the whole.
_RMS, _PEAK = 0.1, 0.89


def sound(stretch: Stretch, speed: float, rate: int, channels: int, path: Path) -> Sound:
    """Write a stretch for a device. Slower is lower: nothing is done to keep the pitch.

    Raises:
        ViewRefusedError: The sampling rate is not known, or there is nothing to be heard.
    """
    recording = stretch.recording
    if not recording.known_rate:
        raise ViewRefusedError(
            "The sampling rate is not known, so nobody knows how it sounds. Give it in the options of the data."
        )
    last = min(stretch.last, stretch.first + int(MOST_SECONDS * speed * recording.rate))
    values = stretch.read(stretch.first, last)
    if len(values) < 2:
        raise ViewRefusedError("The stretch is too short to be heard.")
    values = values - values.mean(dtype=np.float64).astype(np.float32)
    stretch.check()
    heard = resample(values, recording.rate * speed, float(rate))
    stretch.check()
    path.write_bytes(np.repeat(_as_loud(heard), channels).tobytes())
    span = (stretch.first / recording.rate, last / recording.rate)
    return Sound(str(path), rate, channels, span, speed, _words(stretch, last, speed, rate))


def _as_loud(values: np.ndarray) -> np.ndarray:
    """16-bit samples as loud as they may be without clipping."""
    rms, peak = float(np.sqrt(np.mean(values.astype(np.float64) ** 2))), float(np.abs(values).max())
    gain = min(_RMS / rms, _PEAK / peak) if peak > 0 else 0.0
    return np.round(values * (gain * 32767)).astype("<i2")


def _words(stretch: Stretch, last: int, speed: float, rate: int) -> str:
    top = stretch.recording.rate * speed / 2
    how = "at its own speed" if speed == 1 else f"{speed:g} times as fast, its pitch with it"
    words = f"{how[0].upper()}{how[1:]}; what is heard reaches up to {min(top, rate / 2) / 1000:.3g} kHz."
    if top > rate / 2:
        words += " What lies above is beyond the device."
    if last < stretch.last:
        words += f" Only the first {MOST_SECONDS:.0f} s."
    return words
