"""Options of what the network sees, of the network, and of what the training lowers. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless, when
from src.core.config.extras import ResizingConfig
from src.core.config.fields import Section, option, section
from src.core.config.training import TrainingConfig
from src.tasks.bearing.augmentation_config import RegularisationConfig

#: The representations of a window, in the order of their branches; each is a switch in `InputsConfig`.
REPRESENTATIONS = ("lines", "envelope", "fft", "raw", "stft", "cwt", "wvd")
SPECTRA, PICTURES = ("envelope", "fft"), ("stft", "cwt", "wvd")


class InputsConfig(Section):
    """What is computed from a window; several at once become branches of one model, each with a value of its own."""

    lines: bool = option(
        True, "Fault lines", "The envelope spectrum around the bearing's own fault frequencies and their harmonics, at the "
        "speed of each recording. Needs speed and bearing, and holds for bearings of other geometry.",
    )  # fmt: skip
    envelope: bool = option(
        False, "Envelope spectrum", "What repeats in the loudness: impulses of a damage show as lines."
    )
    fft: bool = option(False, "Spectrum", "Amplitudes by frequency, in decibels.")
    raw: bool = option(False, "Signal", "The signal itself, brought to mean 0 and deviation 1.")
    stft: bool = option(
        False, "Spectrogram", "Short-time Fourier transform, in decibels: a picture of time and frequency."
    )
    cwt: bool = option(
        False, "Wavelets", "Continuous wavelet transform: fine in time where the frequency is high."
    )
    wvd: bool = option(
        False,
        "Wigner-Ville",
        "Smoothed pseudo Wigner-Ville distribution: the sharpest picture, and the slowest to compute.",
    )
    axis: Literal["order", "hz"] = option(
        "order", "Axis", "Orders are multiples of the shaft's speed: lines of a fault stay in place when the speed changes.",
        choice_labels={"order": "Shaft order", "hz": "Hz"}, applies=[when("envelope")],
    )  # fmt: skip
    highest_order: float = option(
        24.0,
        "Highest order",
        "Where the envelope spectrum and the fault lines end.",
        unit="orders",
        gt=1,
        le=1000,
        advanced=True,
    )
    highest_hz: float = option(
        720.0, "Highest frequency", "Where the envelope spectrum ends.", unit="Hz", gt=1, le=1e7, advanced=True,
        applies=[when("axis", "hz")],
    )  # fmt: skip
    order_step: float = option(
        0.04, "Order step", "Distance of two values of the order axis; an axis in Hz has as many values.", unit="orders",
        ge=0.005, le=1, advanced=True,
    )  # fmt: skip
    band: Literal["several", "full", "kurtogram", "set"] = option(
        "several", "Envelope band", "Where the envelope is taken: the whole signal, the whitened signal and five bands side by "
        "side; the whole signal; the band that a kurtogram finds most impulsive; or your own.", advanced=True,
        choice_labels={"several": "Several bands", "full": "Whole signal", "kurtogram": "By kurtogram", "set": "Own band"},
    )  # fmt: skip
    band_low: float = option(
        500.0, "From", "Lower end of your own band.", unit="Hz", ge=0, applies=[when("band", "set")]
    )
    band_high: float = option(
        5000.0, "To", "Upper end of your own band.", unit="Hz", gt=0, applies=[when("band", "set")]
    )
    harmonics: int = option(
        4,
        "Harmonics",
        "Lines of each fault frequency that are looked at.",
        ge=1,
        le=16,
        advanced=True,
        applies=[when("lines")],
    )
    around: float = option(
        1.3, "Around each line", "How far on either side the spectrum is shown, so that sidebands are seen.", unit="orders", gt=0.1,
        le=10, advanced=True, applies=[when("lines")],
    )  # fmt: skip
    picture_side: int = option(
        64, "Side of pictures", "Frequencies and times of a picture.", unit="px", ge=32, le=512, advanced=True
    )
    workers: int = option(
        2,
        "Loader threads",
        "Threads that read and transform windows; 0 does it between the steps.",
        ge=0,
        le=64,
        advanced=True,
    )
    memory_mb: int = option(
        512, "Keep in memory", "Inputs that are the same in each epoch are computed once and kept, up to this size.", unit="MB", ge=0,
        le=1_000_000, advanced=True,
    )  # fmt: skip

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the representations that are on."""
        return tuple(name for name in REPRESENTATIONS if getattr(self, name))


class BearingModelConfig(Section):
    """The network of each input."""

    signal_network: Literal["wdcnn", "resnet", "transformer"] = option(
        "wdcnn", "Network of signals", "For the signal itself.", applies=[when("inputs.raw")],
        choice_labels={"wdcnn": "CNN with a wide first kernel", "resnet": "1-D ResNet", "transformer": "Patch transformer"},
    )  # fmt: skip
    spectrum_network: Literal["spectrum", "wdcnn", "resnet", "transformer"] = option(
        "spectrum", "Network of spectra", "For spectrum and envelope spectrum.",
        choice_labels={"spectrum": "Small CNN that keeps the place", "wdcnn": "CNN with a wide first kernel", "resnet": "1-D ResNet",
                       "transformer": "Patch transformer"},
    )  # fmt: skip
    picture_network: str = option(
        "resnet18", "Network of pictures", "Any network of timm that pools globally, for spectrogram, wavelets and Wigner-Ville.",
        advanced=True,
    )  # fmt: skip
    dropout: float = option(0.5, "Drop-out", "Share of the features left out before the last layer in a training step.", ge=0, lt=1,
                            advanced=True)  # fmt: skip
    patch_drop: float = option(
        0.0, "Leave out patches", "Share of its patches that a patch transformer does not look at in a training step (PatchDropout), "
        "others for each window; what it sees of the rest, and its place, stays, and a step costs less. 0 turns it off. The "
        "augmentation “Drop patches” changes the signal itself instead, for every kind of input and network.", ge=0, le=0.9,
        advanced=True,
    )  # fmt: skip

    def transforms_patches(self, inputs: InputsConfig) -> bool:
        """Whether an input goes to a patch transformer."""
        spectra = any(name in SPECTRA for name in inputs.used) and self.spectrum_network == "transformer"
        return spectra or (inputs.raw and self.signal_network == "transformer")


class BearingLossConfig(Section):
    """What the training lowers: one loss of the classes, and terms that know the machine."""

    name: Literal["cross_entropy", "focal"] = option(
        "cross_entropy", "Loss", "Focal plays down windows that are already right.",
        choice_labels={"cross_entropy": "Cross-entropy", "focal": "Focal"},
    )  # fmt: skip
    label_smoothing: float = option(
        0.05, "Label smoothing", "Share of each truth that goes to all classes alike, so that the network grows less sure of itself.",
        ge=0, lt=1, advanced=True, applies=[when("name", "cross_entropy")],
    )  # fmt: skip
    gamma: float = option(2.0, "Focal gamma", "How strongly easy windows are played down.", ge=0, le=10, advanced=True,
                          applies=[when("name", "focal")])  # fmt: skip
    balanced: bool = option(
        True, "Weigh rare classes", "Each class counts alike, however many windows it has."
    )
    contrastive: float = option(
        0.0, "Contrastive", "Weight of the supervised contrastive loss: windows of one class close together, others far; 0 leaves it "
        "out.", ge=0, le=100, advanced=True,
    )  # fmt: skip
    temperature: float = option(0.1, "Temperature", "Of the contrastive loss; smaller looks at the hardest pairs.", gt=0, le=10,
                                advanced=True, applies=[unless("contrastive", 0, because="the term is off")])  # fmt: skip
    physics: float = option(
        0.0, "Physics", "Weight of the expected contradiction between the predicted class and the energy found at that fault's "
        "frequencies, at each window's own speed; 0 leaves it out. Needs speed and bearing.", ge=0, le=100, advanced=True,
    )  # fmt: skip
    consistency: float = option(
        0.0, "Same at every load", "Weight of the difference between the mean predictions of a class at different loads and speeds; "
        "0 leaves it out.", ge=0, le=100, advanced=True,
    )  # fmt: skip
    smoothness: float = option(
        0.0, "Steady in time", "Weight of the change of the prediction from a window to the next one of its recording; 0 leaves it "
        "out. Batches then hold runs of successive windows.", ge=0, le=100, advanced=True,
    )  # fmt: skip
    warmup: int = option(5, "Warm-up of the terms", "Epochs over which the weights of the terms rise to their full value.",
                         unit="epochs", ge=0, le=10_000, advanced=True)  # fmt: skip
    balance: bool = option(
        False, "Balance gradients", "Brings each term's gradient to the length of the main one's before its weight counts.",
        advanced=True,
    )  # fmt: skip


class LengtheningConfig(ResizingConfig):
    """Progressive lengthening: early epochs on short windows are cheap and do no harm."""

    start: float = option(
        1.0, "Begin with windows of", "Share of the window in the first epochs: its middle; 1 turns it off. Validation, and the "
        "epochs at the end, always have whole windows.", gt=0, le=1, advanced=True,
    )  # fmt: skip
    steps: int = option(
        3, "Lengths", "In so many steps, of equal numbers of epochs, the windows grow to their full length, which is the last.",
        ge=2, le=20, advanced=True, applies=[unless("start", 1.0, because="windows do not grow")],
    )  # fmt: skip
    until: float = option(
        0.6, "Full length after", "Share of the epochs after which windows have their full length.", gt=0, lt=1, advanced=True,
        applies=[unless("start", 1.0, because="windows do not grow")],
    )  # fmt: skip


class BearingTrainingConfig(TrainingConfig):
    """The engine's options, with defaults for small sets of short windows, and the loss."""

    epochs: int = option(
        40, "Epochs", "How often every training window is seen.", unit="epochs", ge=1, le=100_000
    )
    batch_size: int = option(16, "Batch size", "Windows in one step.", unit="windows", ge=1, le=4096)
    resizing: LengtheningConfig = section(LengtheningConfig, "Growing windows")  # type: ignore[assignment]
    loss: BearingLossConfig = section(BearingLossConfig, "Loss")
    regularisation: RegularisationConfig = section(RegularisationConfig, "Regularisation")
