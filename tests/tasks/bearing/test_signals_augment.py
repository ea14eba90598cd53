"""Augmentation against its definitions: what is kept, what is broken, and that a generator decides everything."""

from __future__ import annotations

import numpy as np
import pytest

from src.tasks.bearing.signals import AUGMENTATIONS, RandomPolicy, SpecAugment
from src.tasks.bearing.signals.augment import (
    add_noise,
    cut_mix,
    drift_amplitude,
    drop_patches,
    jitter,
    jitter_time,
    mask_time,
    mix_up,
    permute,
    shift_time,
)


def signal(seed: int = 0, shape: tuple[int, ...] = (2000,)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).cumsum(-1)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def decibels(clean: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    return 10 * np.log10(clean.var(-1) / ((noisy - clean) ** 2).mean(-1))


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_noise_has_exactly_the_stated_ratio_in_each_window(snr: float) -> None:
    windows = signal(shape=(3, 2000)) * np.array([[1], [10], [100]]) + 50
    assert decibels(windows, add_noise(windows, rng(), snr)) == pytest.approx(snr)
    assert not add_noise(np.zeros(100), rng()).any(), "silence stays silence"


def test_jitter_is_noise_relative_to_the_deviation() -> None:
    wide = signal(shape=(50_000,))
    added = jitter(wide, rng(), 0.1) - wide
    assert added.std() == pytest.approx(0.1 * wide.std(), rel=0.02)


def test_the_gain_of_amplitude_moves_evenly_between_two_within_its_decibels() -> None:
    ends = []
    for seed in range(200):
        clean = np.where(np.arange(2000) % 2, 2.0, -2.0)
        gain = 20 * np.log10(drift_amplitude(clean, rng(seed), 6) / clean)
        assert np.ptp(np.diff(gain)) < 1e-9
        ends += [gain[0], gain[-1]]
    assert -6 <= min(ends) < -5.5 and 5.5 < max(ends) <= 6 and abs(np.mean(ends)) < 0.6
    assert drift_amplitude(np.tile([49.0, 51.0], 1000), rng(1), 6).mean() == pytest.approx(50, abs=0.01)


def test_jitter_of_time_keeps_the_ends_and_moves_what_lies_between_within_its_share() -> None:
    time = np.arange(2000.0)
    steps = []
    for seed in range(20):
        moved = jitter_time(time, rng(seed), 0.05)
        assert moved[[0, -1]] == pytest.approx([0, 1999], abs=0.01)
        steps.append(np.diff(moved)[5:-5])
    assert 0.9 < np.min(steps) < 0.97 and 1.03 < np.max(steps) < 1.1
    tone = np.sin(2 * np.pi * 0.05 * time)
    assert (
        np.abs(
            jitter_time(tone, rng(1), 0.05) - np.sin(2 * np.pi * 0.05 * jitter_time(time, rng(1), 0.05))
        ).max()
        < 0.01
    )
    np.testing.assert_allclose(jitter_time(tone, rng(), 0.0), tone, atol=1e-9)


def test_a_shift_in_time_turns_the_window() -> None:
    moved = shift_time(np.arange(100.0), rng(3))
    start = int(moved[0])
    np.testing.assert_array_equal(moved, np.roll(np.arange(100.0), -start))
    assert start > 0


def test_a_time_mask_covers_at_most_its_share_and_nothing_else_changes() -> None:
    clean = signal()
    widths = []
    for seed in range(100):
        changed = np.flatnonzero(mask_time(clean, rng(seed), 0.1) != clean)
        widths.append(len(changed))
        if len(changed):
            assert np.ptp(changed) + 1 <= 200
            assert mask_time(clean, rng(seed), 0.1)[changed] == pytest.approx(clean.mean())
    assert 150 < max(widths) <= 200


def test_patches_are_dropped_in_the_stated_share() -> None:
    clean = signal(shape=(3200,))
    assert (drop_patches(clean, rng(), 0.25, 32) != clean).sum() == 800


def test_permutation_keeps_every_sample_and_changes_the_order() -> None:
    clean = np.arange(1000.0)
    moved = permute(clean, rng(), 5)
    np.testing.assert_array_equal(np.sort(moved), clean)
    assert 1 <= (np.diff(moved) != 1).sum() <= 4
    with pytest.raises(ValueError, match="fewer pieces"):
        permute(np.arange(3.0), rng(), 5)


def test_mixing_two_windows_gives_the_share_that_the_labels_need() -> None:
    a, b = signal(1), signal(2)
    mixed, share = mix_up(a, b, rng())
    np.testing.assert_allclose(mixed, share * a + (1 - share) * b)
    shares = [mix_up(a, b, rng(seed), 0.2).share for seed in range(300)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08) and np.var(shares) == pytest.approx(
        0.25 / 1.4, rel=0.15
    )
    mixed, share = cut_mix(a, b, rng(5))
    own = mixed == a
    assert share == pytest.approx(own.mean()) and 0 < share < 1
    np.testing.assert_array_equal(mixed[~own], b[~own])
    assert np.ptp(np.flatnonzero(~own)) + 1 == (~own).sum(), "one stretch"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_generator_decides_everything_and_the_input_is_not_touched(name: str) -> None:
    item = AUGMENTATIONS[name]
    first, second = (signal(seed).astype(np.float32) for seed in (1, 2))
    kept = first.copy()

    def once(seed: int) -> np.ndarray:
        pair = (first, second) if item.mixes else (first,)
        made = item.apply(*pair, rng(seed), item.strength)
        return made.signal if item.mixes else made

    np.testing.assert_array_equal(once(7), once(7))
    assert not np.array_equal(once(7), once(8))
    assert once(7).shape == first.shape and once(7).dtype == np.float32
    np.testing.assert_array_equal(first, kept)


def test_what_breaks_phase_or_periodicity_says_so_and_is_off() -> None:
    off = {name for name, item in AUGMENTATIONS.items() if not item.on_by_default}
    assert off == {"time_shift", "patch_drop", "time_jitter", "permutation", "cut_mix"}
    for name in off:
        assert "phase" in AUGMENTATIONS[name].breaks or "periodicity" in AUGMENTATIONS[name].breaks
    for function in (shift_time, drop_patches, jitter_time, permute, cut_mix):
        assert "Breaks" in (function.__doc__ or "")
    assert not off & set(RandomPolicy().names)


def test_a_random_policy_draws_a_few_and_its_magnitude_is_how_strong_they_are() -> None:
    weak, strong = (RandomPolicy(("noise",), 1, magnitude) for magnitude in (0.0, 1.0))
    assert decibels(signal(), weak(signal(), rng())) == pytest.approx(40)
    assert decibels(signal(), strong(signal(), rng())) == pytest.approx(0)
    made = {RandomPolicy()(signal(), rng(seed)).tobytes() for seed in range(5)}
    assert len(made) == 5
    np.testing.assert_array_equal(RandomPolicy(count=0)(signal(), rng()), signal())
    with pytest.raises(ValueError, match="cut_mix"):
        RandomPolicy(("cut_mix",), 1)
    with pytest.raises(ValueError, match="0 to 4"):
        RandomPolicy(count=9)


# -- SpecAugment, Park et al. 2019 ---


def masks_of(
    augment: SpecAugment, seed: int, shape: tuple[int, int] = (40, 100)
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows and which columns of a picture of distinct values are masked throughout; everything else is untouched."""
    picture = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    made = augment(picture, rng(seed))
    changed = made != picture
    rows, columns = changed.all(1), changed.all(0)
    np.testing.assert_array_equal(changed, rows[:, None] | columns[None])
    assert made[changed] == pytest.approx(picture.mean()), "filled with the mean of the picture"
    return rows, columns


def test_one_mask_has_an_even_width_up_to_its_parameter_and_an_even_place() -> None:
    widths, starts = [], []
    for seed in range(2000):
        rows, columns = masks_of(SpecAugment(1, 8, 0, 0), seed)
        assert not columns.any()
        place = np.flatnonzero(rows)
        widths.append(len(place))
        if len(place):
            assert np.ptp(place) + 1 == len(place)
            starts.append(place[0] / (40 - len(place)))
    counts = np.bincount(widths)
    assert len(counts) == 9 and counts.min() > 160 and counts.max() < 290
    assert min(starts) == 0 and max(starts) < 1 and np.mean(starts) == pytest.approx(0.5, abs=0.03)


def test_a_time_mask_is_never_wider_than_its_share() -> None:
    widths = [masks_of(SpecAugment(0, 0, 1, 50, 0.2), seed)[1].sum() for seed in range(300)]
    assert max(widths) == 20 and min(widths) == 0


def test_the_number_of_masks_is_kept_and_channels_share_them() -> None:
    runs = [np.diff(np.pad(masks_of(SpecAugment(3, 4, 0, 0), seed)[0].astype(int), 1)) for seed in range(300)]
    assert max((run == 1).sum() for run in runs) == 3
    picture = np.random.default_rng(0).standard_normal((2, 40, 100)) + np.array([[[0]], [[9]]])
    made = SpecAugment(1, 8, 1, 16)(picture, rng(1))
    np.testing.assert_array_equal((made != picture)[0], (made != picture)[1])
    assert made[1][(made != picture)[1]] == pytest.approx(picture[1].mean())


def test_no_masks_change_nothing_and_the_picture_is_not_touched() -> None:
    picture = np.random.default_rng(0).random((40, 100)).astype(np.float32)
    kept = picture.copy()
    np.testing.assert_array_equal(SpecAugment(0, 8, 0, 8)(picture, rng()), picture)
    made = SpecAugment()(picture, rng())
    assert made.dtype == np.float32 and not np.array_equal(made, picture)
    np.testing.assert_array_equal(picture, kept)
    with pytest.raises(ValueError, match="from 0"):
        SpecAugment(time_share=2)
