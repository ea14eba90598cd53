"""The changes that a configuration asks for, made to training windows and to the pictures of them. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from src.tasks.bearing.augmentation_config import AugmentationConfig
from src.tasks.bearing.learning_config import PICTURES
from src.tasks.bearing.signals.augment import AUGMENTATIONS, RandomPolicy
from src.tasks.bearing.signals.spec_augment import SpecAugment

#: Options by the names of `AUGMENTATIONS`, in the order in which they are made: what moves samples before what hides some
#: of them, and noise last, so that nothing is without it.
_ORDER = {
    "permutation": "permutation", "time_jitter": "time_jitter", "patch_drop": "patch_drop", "time_mask": "time_mask",
    "amplitude": "amplitude", "jitter": "jitter", "noise": "noise_snr",
}  # fmt: skip


class Augmenter:
    """Changes windows by their own random numbers, which are a function of (seed, epoch, number of the window)."""

    def __init__(self, options: AugmentationConfig, seed: int) -> None:
        self.options, self._seed = options, seed
        self._policy = RandomPolicy(count=options.policy, magnitude=options.policy_strength)
        self._steps = [
            (AUGMENTATIONS[name].apply, strength)
            for name, key in _ORDER.items()
            if (strength := getattr(options, key)) or (name == "noise" and strength is not None)
        ]

    @property
    def acts(self) -> bool:
        """Whether training windows differ from epoch to epoch."""
        options = self.options
        changes = options.changes_samples or options.masks_pictures
        return options.shift > 0 or (changes and options.probability > 0)

    def rng(self, epoch: int, number: int) -> np.random.Generator:
        """The random numbers of a window in an epoch."""
        return np.random.default_rng(np.random.SeedSequence((self._seed, epoch, number), spawn_key=(2,)))

    def moved(self, offset: int, last: int, length: int, rng: np.random.Generator) -> int:
        """Where a window begins that would begin at ``offset``, from 0 to ``last``; all in samples."""
        most = int(self.options.shift * length)
        return int(np.clip(offset + rng.integers(-most, most + 1), 0, max(0, last))) if most else offset

    def chosen(self, rng: np.random.Generator) -> bool:
        """Whether this window is one of those that are changed."""
        return bool(rng.random() < self.options.probability)

    def changed(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The samples of a window after all changes; its own array where there are none."""
        for apply, strength in self._steps:
            samples = apply(samples, rng, strength)
        return self._policy(samples, rng) if self.options.policy else samples

    def mask(self, inputs: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The inputs of a window with its pictures masked; see `SpecAugment`."""
        found = dict(inputs)
        for name in PICTURES:
            if name in found and self.options.masks_pictures:
                rows, columns = found[name].shape[-2:]
                high, wide = int(self.options.mask_frequencies * rows), int(self.options.mask_times * columns)
                found[name] = SpecAugment(1, high, 1, wide, time_share=1.0)(found[name], rng)
        return found
