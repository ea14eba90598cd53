"""Signal processing of vibration, with numpy, scipy and PyWavelets alone: usable without the rest of the program."""

from src.tasks.bearing.signals.augment import AUGMENTATIONS, Augmentation, Mixed, RandomPolicy
from src.tasks.bearing.signals.envelope import (
    analytic,
    envelope,
    envelope_order_spectrum,
    envelope_spectrum,
    whitened,
)
from src.tasks.bearing.signals.kurtogram import Kurtogram, kurtogram
from src.tasks.bearing.signals.resample import resample, resample_margin
from src.tasks.bearing.signals.rule import PART_NAMES, EnvelopeRule, Verdict
from src.tasks.bearing.signals.simulate import bearing_signal, impulse_train
from src.tasks.bearing.signals.spec_augment import SpecAugment
from src.tasks.bearing.signals.spectra import (
    Spectrum,
    amplitude_spectrum,
    averaged_spectrum,
    order_spectrum,
    to_angle,
)
from src.tasks.bearing.signals.streaming import BandEnvelope, stream_envelope, stream_windows
from src.tasks.bearing.signals.time_frequency import (
    TimeFrequency,
    cwt,
    smoothed_pseudo_wigner_ville,
    stft,
    wigner_ville,
)

__all__ = [
    "AUGMENTATIONS", "PART_NAMES", "Augmentation", "BandEnvelope", "EnvelopeRule", "Kurtogram", "Mixed", "RandomPolicy",
    "SpecAugment", "Spectrum", "TimeFrequency", "Verdict", "amplitude_spectrum", "analytic", "averaged_spectrum",
    "bearing_signal", "cwt", "envelope", "envelope_order_spectrum", "envelope_spectrum", "impulse_train", "kurtogram",
    "order_spectrum", "resample", "resample_margin", "smoothed_pseudo_wigner_ville", "stft", "stream_envelope",
    "stream_windows", "to_angle", "whitened", "wigner_ville",
]  # fmt: skip
