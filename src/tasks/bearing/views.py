"""What can be looked at, and listened to, in a recording. The computations are in ``views_recording``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.core.dataset.views import OpenedSample, View, ViewOption, Views
from src.tasks.bearing.geometry import BEARINGS, ROLLING_FORM

#: Values of the option ``bearing`` that are no designation: that of the configuration, and the measures given here.
CONFIGURED, OWN = "", "own"

#: Axes of the views in which fault frequencies are marked.
_LINES = ("spectrum", "envelope")
_MEASURES = {
    "balls": (9, 3.0, 1000.0),
    "ball_diameter_mm": (8.0, 0.01, 1e4),
    "pitch_diameter_mm": (39.0, 0.01, 1e5),
    "contact_angle_deg": (0.0, 0.0, 89.0),
}
COMMON = (
    ViewOption("channel", "Channel", "", about="Which channel of the file is looked at."),
    ViewOption(
        "bearing", "Bearing", CONFIGURED,
        ((CONFIGURED, "As in the data"), *((name, name) for name in BEARINGS), (OWN, "Own measures")),
        about="Where the fault frequencies come from.", axes=_LINES,
    ),
    *(
        ViewOption(f.name, f.label, _MEASURES[f.name][0], unit=f.unit, low=_MEASURES[f.name][1],
                   high=_MEASURES[f.name][2], about=f.help, when=("bearing", OWN), axes=_LINES)
        for f in ROLLING_FORM
    ),
    ViewOption("speed", "Speed", 0.0, unit="rev/min", high=1e6, zero="not known", about="Of the shaft.", axes=_LINES),
    ViewOption(
        "axis", "Axis", "hz", (("hz", "Hz"), ("orders", "Orders")),
        about="Frequencies in hertz, or in multiples of the shaft's speed.", axes=_LINES,
    ),
    ViewOption("harmonics", "Harmonics", 3, low=1.0, high=20.0, axes=_LINES,
               about="Multiples of each fault frequency that are marked."),
    ViewOption(
        "sidebands", "Sidebands", 0, high=5.0,
        about="Marked on each side of the inner race's lines (at the shaft's speed) and the ball's (at the cage's).",
        axes=_LINES,
    ),
)  # fmt: skip
_BAND = ("band", "own")
OFFERED = (
    View(
        "signal", "Signal", "The recording over time.",
        options=(
            ViewOption("envelope", "Envelope", "off", (("off", "None"), ("whole", "All frequencies"),
                       ("kurtogram", "Kurtogram")), about="Of all frequencies, or of the band that the kurtogram finds."),
        ),
    ),
    View(
        "spectrum", "Spectrum", "Amplitudes of the stretch that the signal shows, with the fault frequencies.", "spectrum",
        (ViewOption("scale", "Scale", "linear", (("linear", "Linear"), ("db", "Decibels")), about="Of the amplitudes."),),
    ),
    View(
        "scores", "Prediction over time", "What a model said of each window of the recording.",
    ),
    View(
        "spectrogram", "Spectrogram", "Frequencies over time.",
        options=(
            ViewOption("segment", "Segment", "0", (("0", "Automatic"), *((str(2**k), f"{2**k:,} samples") for k in range(6, 14))),
                       about="Long segments tell frequencies apart, short ones times."),
        ),
    ),
    View(
        "envelope", "Envelope spectrum", "Spectrum of the squared envelope of a band: where faults show.", "envelope",
        (
            ViewOption("band", "Band", "kurtogram", (("kurtogram", "Kurtogram"), ("whole", "All frequencies"), ("own", "Own band")),
                       about="Whose envelope is taken: the most impulsive band, all frequencies, or one of your own."),
            ViewOption("low", "From", 1000.0, unit="Hz", about="Lower edge of the band.", when=_BAND),
            ViewOption("high", "to", 4000.0, unit="Hz", about="Upper edge of the band.", when=_BAND),
            ViewOption("whiten", "Whitening", "none", (("none", "None"), ("local", "Local"), ("cepstrum", "Line by line")),
                       about="Levels the spectrum first, so that a weak fault counts as much as a loud resonance."),
        ),
    ),
)  # fmt: skip


def _open(config: Any, sample: Mapping[str, Any]) -> OpenedSample:
    from src.tasks.bearing.views_recording import ViewedRecording

    return ViewedRecording(config, sample)


VIEWS = Views(OFFERED, _open, COMMON, listens=True, predicted="scores")
