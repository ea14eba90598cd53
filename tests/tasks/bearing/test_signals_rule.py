"""The untrained envelope rule: on simulated defects, and on real recordings where they are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from src.tasks.bearing.geometry import BEARINGS, PARTS
from src.tasks.bearing.signals import PART_NAMES, EnvelopeRule, bearing_signal, impulse_train
from src.tasks.bearing.signals.simulate import ringing

RATE = 12_000.0
CWRU = Path(__file__).resolve().parents[4] / "shared" / "data" / "cwru"
#: Number of the recording to the part that is damaged, three sizes of each.
TRUTH = {
    105: "inner", 169: "inner", 209: "inner", 118: "ball", 185: "ball", 222: "ball", 130: "outer", 197: "outer", 234: "outer",
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", BEARINGS)
def test_a_simulated_impulse_train_with_slip_and_noise_is_named_rightly(part: str, name: str) -> None:
    bearing = BEARINGS[name]
    signals = np.stack(
        [
            bearing_signal(bearing, part, speed, RATE, 1.0, np.random.default_rng(seed), slip=0.01, snr_db=-3)
            for seed, speed in enumerate((1200, 1797, 2400))
        ]
    )
    rule = EnvelopeRule(bearing)
    assert [PART_NAMES[index] for index in rule.name(signals, RATE, [1200, 1797, 2400])] == [part] * 3
    assert rule.scores(signals, RATE, [1200, 1797, 2400]).max(1).min() > 10


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("slip", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("part", PARTS)
def test_strictly_regular_and_slipping_impulses_are_named_with_and_without_noise(
    part: str, slip: float, noise: float
) -> None:
    """Regular impulses are tones, which whitening line by line would take away."""
    for bearing in BEARINGS.values():
        frequency = bearing.defect_orders()[part] * 1797 / 60
        train = impulse_train(frequency, RATE, 1.0, np.random.default_rng(0), slip=slip)
        rung = np.convolve(train, ringing(RATE, 2000, 0.05))[: len(train)]
        rung += noise * rung.std() * np.random.default_rng(1).standard_normal(len(rung))
        assert PART_NAMES[EnvelopeRule(bearing).name(rung, RATE, 1797)[0]] == part, bearing.name


@pytest.mark.parametrize(
    "options",
    [
        {"whiten": "none"},
        {"whiten": "cepstrum"},
        {"band": "kurtogram"},
        {"band": (2500.0, 4500.0)},
        {"harmonics": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("part", PARTS)
def test_every_form_of_the_rule_names_a_clear_defect(part: str, options: dict[str, object]) -> None:
    bearing = BEARINGS["SKF 6205-2RS JEM"]
    clear = bearing_signal(bearing, part, 1797, RATE, 1, np.random.default_rng(0), snr_db=3, resonance=3500)
    rule = EnvelopeRule(bearing, **options)  # type: ignore[arg-type]
    assert PART_NAMES[rule.name(clear, RATE, 1797)[0]] == part


def test_loud_tones_of_the_shaft_do_not_hide_a_defect_from_the_whitened_spectrum() -> None:
    bearing = BEARINGS["SKF 6205-2RS JEM"]
    clear = bearing_signal(bearing, "ball", 1797, RATE, 1, np.random.default_rng(0), snr_db=0)
    time = np.arange(len(clear)) / RATE
    gears = sum(20 * np.sin(2 * np.pi * 29.95 * order * time) for order in (17, 18, 21.5848, 34))
    assert PART_NAMES[EnvelopeRule(bearing, whiten="cepstrum").name(clear + gears, RATE, 1797)[0]] == "ball"
    assert PART_NAMES[EnvelopeRule(bearing, whiten="none").name(clear + gears, RATE, 1797)[0]] == "outer"


def test_noise_alone_is_healthy_when_that_may_be_said_and_a_defect_is_not() -> None:
    bearing = BEARINGS["SKF 6205-2RS JEM"]
    rule = EnvelopeRule(bearing)
    silent = rule.verdict(
        np.random.default_rng(0).standard_normal((4, 12_000)), RATE, 1797, may_be_healthy=True
    )
    assert silent.part == "healthy" and (silent.windows == -1).sum() >= 3
    signals = np.stack(
        [bearing_signal(bearing, "inner", 1797, RATE, 1, np.random.default_rng(seed)) for seed in range(3)]
    )
    damaged = rule.verdict(signals, RATE, 1797, may_be_healthy=True)
    assert damaged.part == "inner" and damaged.scores["inner"] > damaged.chance > 0
    assert rule.verdict(signals[0], RATE, 1797).chance == 0


def test_what_the_rule_needs_is_said() -> None:
    rule = EnvelopeRule(BEARINGS["SKF 6205-2RS JEM"])
    window = np.random.default_rng(0).standard_normal(1000)
    with pytest.raises(ValueError, match="speed"):
        rule.scores(window, RATE, 0)
    with pytest.raises(ValueError, match="too low for this bearing"):
        rule.scores(window, 200, 1797)
    assert np.isfinite(rule.scores(np.zeros(1000), RATE, 1797)).all()


@pytest.mark.skipif(not CWRU.is_dir(), reason="the recordings of shared/data/cwru are not here")
def test_the_nine_damaged_recordings_get_what_the_rule_honestly_gets() -> None:
    """Balanced accuracy over three classes; nothing is fitted, so leaving one fault size out changes nothing."""
    bearing = BEARINGS["SKF 6205-2RS JEM"]
    windows_right: dict[str, list[bool]] = {part: [] for part in PARTS}
    recordings_right: dict[str, list[bool]] = {part: [] for part in PARTS}
    named = {}
    for file in sorted(CWRU.glob("*.mat")):
        content = scipy.io.loadmat(file)
        number = int(file.name.split("_")[0].split("@")[0])
        if number not in TRUTH:
            continue
        signal = next(value for key, value in content.items() if key.endswith("DE_time")).ravel()
        speed = float(next(value for key, value in content.items() if key.endswith("RPM")).squeeze())
        windows = signal[: len(signal) // 12_000 * 12_000].reshape(-1, 12_000)
        verdict = EnvelopeRule(bearing).verdict(windows, RATE, speed)
        named[number] = verdict.part
        windows_right[TRUTH[number]] += [PART_NAMES[index] == TRUTH[number] for index in verdict.windows]
        recordings_right[TRUTH[number]].append(verdict.part == TRUTH[number])
    assert len(named) == 9
    assert np.mean([np.mean(right) for right in windows_right.values()]) > 0.71
    assert np.mean([np.mean(right) for right in recordings_right.values()]) > 0.71
    assert {named[number] for number in (105, 169, 209)} == {"inner"} and named[130] == named[234] == "outer"
