"""Options of what is changed in training windows, drawn anew in each epoch. Torch-free.

A diagnosis rests on the period of impulses and on the phase of what modulates them. What breaks one of these may teach a
network to look at something else: it says so, and is off.
"""

from __future__ import annotations

from src.core.config.conditions import unless
from src.core.config.fields import Section, option
from src.core.config.mixing import ALONE, MixingConfig

_BOTH = " Breaks phase and periodicity, on which a diagnosis rests."
_GAPS = " Breaks periodicity, on which a diagnosis rests: gaps at random distances."
_PICTURES = (
    " (SpecAugment without its time warp); 0 turns it off. Only for spectrogram, wavelets and Wigner-Ville."
)


class AugmentationConfig(Section):
    """Changes of single windows; each is a function of seed, epoch and window alone."""

    probability: float = option(
        1.0, "Windows changed", "Share of the training windows that all the changes below are made to; the others stay as they are.",
        ge=0, le=1, advanced=True, group="Augmentation",
    )  # fmt: skip
    shift: float = option(
        0.0, "Shift windows", "Each training window begins earlier or later in its recording by up to this share of its length; 0 "
        "turns it off.", unit="of the window", ge=0, le=0.5, advanced=True, group="Augmentation",
    )  # fmt: skip
    noise_snr: float | None = option(
        None, "Add noise", "White noise at exactly this signal-to-noise ratio in each window; empty adds none.", unit="dB", ge=-30,
        le=60, advanced=True, group="Augmentation",
    )  # fmt: skip
    jitter: float = option(
        0.0, "Jitter", "White noise of a sensor, of this standard deviation relative to that of the window; 0 turns it off.",
        unit="deviations", ge=0, le=2, advanced=True, group="Augmentation",
    )  # fmt: skip
    amplitude: float = option(
        0.0, "Amplitude", "The loudness moves evenly from one gain to another over the window, both drawn up to so many decibels up "
        "or down; 0 turns it off. One gain for all of a window would do nothing, as each is brought to deviation 1.", unit="dB",
        ge=0, le=40, advanced=True, group="Augmentation",
    )  # fmt: skip
    time_mask: float = option(
        0.0, "Time mask", "A stretch of up to this share of the window is set to its mean; the impulses that are left keep their "
        "period. 0 turns it off.", unit="of the window", ge=0, le=0.5, advanced=True, group="Augmentation",
    )  # fmt: skip
    policy: int = option(
        0, "Random policy", "So many of noise, jitter, amplitude and time mask, drawn anew for each window, all at one strength "
        "(RandAugment); 0 turns it off.", unit="changes", ge=0, le=4, advanced=True, group="Augmentation",
    )  # fmt: skip
    policy_strength: float = option(
        0.5, "Strength of the policy", "From 0, the weakest of each change, to 1, the strongest.", ge=0, le=1, advanced=True,
        group="Augmentation", applies=[unless("policy", 0, because="there is no random policy")],
    )  # fmt: skip
    mask_frequencies: float = option(
        0.0, "Mask frequencies", "A band of up to this share of a picture's frequencies is filled with its mean" + _PICTURES,
        unit="of the picture", ge=0, le=0.5, advanced=True, group="Augmentation",
    )  # fmt: skip
    mask_times: float = option(
        0.0, "Mask times", "A stretch of up to this share of a picture's times is filled with its mean" + _PICTURES,
        unit="of the picture", ge=0, le=0.5, advanced=True, group="Augmentation",
    )  # fmt: skip
    patch_drop: float = option(
        0.0, "Drop patches", "This share of the window's 32 patches is set to its mean; 0 turns it off." + _GAPS
        + " A patch transformer can leave patches out without that, see “Leave out patches” under Model.",
        unit="of the patches", ge=0, le=0.9, advanced=True, group="Augmentation",
    )  # fmt: skip
    time_jitter: float = option(
        0.0, "Jitter of time", "The window runs faster and slower by up to this share, as if the shaft's speed wavered; 0 turns it "
        "off." + _BOTH, unit="of the speed", ge=0, le=0.2, advanced=True, group="Augmentation",
    )  # fmt: skip
    permutation: int = option(
        0, "Permutation", "The window is cut into so many pieces of random lengths, which change places; 0 turns it off." + _BOTH,
        unit="pieces", ge=0, le=64, advanced=True, group="Augmentation",
    )  # fmt: skip

    @property
    def changes_samples(self) -> bool:
        """Whether the samples of a window change, beyond where it begins."""
        plain = (self.jitter, self.amplitude, self.time_mask, self.policy, self.patch_drop, self.time_jitter)
        return self.noise_snr is not None or any(plain) or self.permutation > 1

    @property
    def masks_pictures(self) -> bool:
        """Whether pictures are masked."""
        return self.mask_frequencies + self.mask_times > 0


class RegularisationConfig(MixingConfig):
    """What mixes windows, or attacks the network, in training steps."""

    mixup: float = option(
        0.0, "MixUp", "Share of the batches in which what the network sees of each window is blended with that of another one, each "
        "at its own speed, and the loss is that of both truths; 0 turns it off.", ge=0, le=1, advanced=True, applies=[ALONE],
    )  # fmt: skip
    cutmix: float = option(
        0.0, "CutMix", "Share of the batches in which a stretch of each window comes from another one, and the loss is that of both "
        "truths; 0 turns it off." + _BOTH, ge=0, le=1, advanced=True, applies=[ALONE],
    )  # fmt: skip
    adversarial: float = option(
        0.0, "Adversarial", "Each input is moved by this many of its standard deviations in the direction that raises the loss most "
        "(fast gradient sign method); 0 turns it off. A batch that is attacked takes 1.7 to 2.8 times as long, by the network: a "
        "second pass forward and back.", unit="deviations", ge=0, le=1, advanced=True,
    )  # fmt: skip
    adversarial_share: float = option(
        0.5, "Batches attacked", "Share of the batches that are learnt in this way; half of them make a training about one and a "
        "half times as long.", ge=0, le=1, advanced=True,
        applies=[unless("adversarial", 0, because="the network is not attacked")],
    )  # fmt: skip
