"""Spectra, envelope, kurtogram, resampling, pictures and streaming, against what they are defined to be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.signal

from src.tasks.bearing.geometry import BEARINGS
from src.tasks.bearing.signals import (
    BandEnvelope,
    amplitude_spectrum,
    analytic,
    averaged_spectrum,
    bearing_signal,
    cwt,
    envelope,
    envelope_order_spectrum,
    envelope_spectrum,
    impulse_train,
    kurtogram,
    order_spectrum,
    resample,
    resample_margin,
    smoothed_pseudo_wigner_ville,
    stft,
    stream_envelope,
    stream_windows,
    to_angle,
    whitened,
    wigner_ville,
)
from src.tasks.bearing.signals.band_spectra import SignalBand, band_envelope_spectra, padded_length

RATE = 12_000.0
BEARING = BEARINGS["SKF 6205-2RS JEM"]


def tone(hertz: float, length: int = 12_000, rate: float = RATE, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(length) / rate + 0.3)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(length)


# -- spectra ---


@pytest.mark.parametrize("window", ["hann", "boxcar"])
def test_a_sine_shows_its_amplitude_at_its_frequency(window: str) -> None:
    found = amplitude_spectrum(tone(1000, amplitude=2.5) + 7, RATE, window=window)
    assert found.axis[found.values.argmax()] == 1000 and found.unit == "Hz"
    assert found.values.max() == pytest.approx(2.5, rel=1e-6)
    assert found.values[0] == pytest.approx(0, abs=1e-9), "the mean is removed"


def test_the_averaged_spectrum_of_a_sine_is_its_amplitude_and_that_of_noise_is_steadier() -> None:
    assert averaged_spectrum(tone(1500, amplitude=3), RATE, 1200).values.max() == pytest.approx(3, rel=1e-6)
    whole = averaged_spectrum(noise(24_000), RATE, 24_000).values[10:-10]
    mean = averaged_spectrum(noise(24_000), RATE, 512).values[10:-10]
    assert mean.std() / mean.mean() < 0.3 < whole.std() / whole.mean()


def test_a_batch_is_analysed_row_by_row_and_keeps_its_precision() -> None:
    batch = noise(6000).reshape(2, 3, 1000).astype(np.float32)
    for function in (lambda x: amplitude_spectrum(x, RATE).values, lambda x: envelope(x, RATE, (1000, 4000))):
        found = function(batch)
        assert found.dtype == np.float32 and found.shape[:2] == (2, 3)
        np.testing.assert_allclose(found[1, 2], function(batch[1, 2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bins", [201, 2001], ids=["coarse axis", "fine axis"])
@pytest.mark.parametrize("shaft", [20.0, 29.3])
def test_a_line_stays_on_its_order_at_every_speed(bins: int, shaft: float) -> None:
    found = order_spectrum(tone(4.3 * shaft), RATE, shaft, highest=20, bins=bins)
    assert found.unit == "order" and found.values.shape == (bins,)
    assert found.axis[found.values.argmax()] == pytest.approx(4.3, abs=found.step / 2 + 1e-9)
    assert found.values.max() == pytest.approx(1, rel=0.08)


def test_windows_at_different_speeds_share_one_axis_and_orders_above_half_the_rate_are_zero() -> None:
    shafts = np.array([10.0, 40.0])
    found = order_spectrum(
        np.stack([tone(3 * shaft, 2000, 800) for shaft in shafts]), 800, shafts, highest=20, bins=201
    )
    assert [found.axis[row.argmax()] for row in found.values] == pytest.approx([3, 3])
    assert not found.values[1, found.axis > 10.1].any() and found.values[0, found.axis > 10.1].any()


def test_order_tracking_gathers_the_line_of_a_machine_that_runs_up() -> None:
    shaft = np.linspace(20, 40, 24_000)
    turned = np.cumsum(shaft) / RATE
    signal = np.sin(2 * np.pi * 3.6 * turned)
    tracked = order_spectrum(signal, RATE, shaft, highest=10, bins=501)
    assert tracked.axis[tracked.values.argmax()] == pytest.approx(3.6, abs=0.021)
    assert (
        tracked.values.max() > 0.9 > 3 * order_spectrum(signal, RATE, 30.0, highest=10, bins=501).values.max()
    )
    angle, per_turn = to_angle(signal, RATE, shaft)
    assert len(angle) / per_turn == pytest.approx(turned[-1], abs=0.01)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: amplitude_spectrum(np.zeros(1), RATE), "longer window"),
        (lambda: amplitude_spectrum(np.zeros(9), 0), "sampling rate"),
        (lambda: amplitude_spectrum(np.zeros(9, complex), RATE), "complex"),
        (lambda: envelope(np.zeros(99), RATE, (5000, 7000)), "half the sampling rate"),
        (lambda: envelope(np.zeros(99), RATE, (3000, 3000)), "empty"),
        (lambda: order_spectrum(np.zeros(99), RATE, 0.0, highest=9, bins=9), "speed"),
        (lambda: kurtogram(np.zeros(100), RATE), "256"),
        (lambda: kurtogram(np.zeros(1000), RATE, 5), "halvings"),
        (lambda: wigner_ville(np.zeros(5000), RATE), "shorter window"),
        (lambda: stft(np.zeros(100), RATE, 200), "does not fit"),
        (lambda: cwt(np.zeros(100), RATE, np.array([7000.0])), "frequencies"),
        (lambda: resample(np.zeros(100), RATE, -1), "above 0"),
        (lambda: resample(np.zeros(100), RATE, 1e-3), "factor"),
        (lambda: BandEnvelope(RATE, (100, 101)), "too narrow"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_a_reason(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


# -- envelope and kurtogram ---


def test_the_analytic_signal_has_the_signal_as_real_part_and_no_negative_frequencies() -> None:
    for length in (511, 512):
        signal = noise(length)
        z = analytic(signal)
        np.testing.assert_allclose(z.real, signal, atol=1e-12)
        assert np.abs(np.fft.fft(z)[length // 2 + 1 :]).max() < 1e-10


def test_the_envelope_of_an_amplitude_modulated_tone_is_its_modulation() -> None:
    modulation = 1 + 0.5 * tone(50)
    found = envelope(modulation * tone(3000) + tone(500), RATE, (2500, 3500))
    np.testing.assert_allclose(found, modulation, atol=1e-9)
    spectrum = envelope_spectrum(modulation * tone(3000), RATE, squared=False)
    assert spectrum.axis[spectrum.values.argmax()] == 50 and spectrum.values.max() == pytest.approx(
        0.5, rel=1e-6
    )


@pytest.mark.parametrize("length", [2000, 6001, 25_000])
def test_spectra_of_envelopes_in_bands_are_those_of_the_whole_transform_in_double_precision(
    length: int,
) -> None:
    """To 1e-4 of what lies around, though all but the first transform has single precision and a lower rate."""
    rate, shaft = 2.0 * length, 30.0
    signal = bearing_signal(BEARING, "outer", 60 * shaft, rate, 0.5, np.random.default_rng(1))[:length]
    bands: list[SignalBand] = ["whole", "whitened", (0.1 * rate, 0.2 * rate), (0.3 * rate, 0.48 * rate)]
    found = band_envelope_spectra(signal, rate, bands, 24 * shaft)
    assert found.dtype == np.float32 and (found.shape[1] - 1) * rate / padded_length(length) >= 24 * shaft
    spectrum = np.fft.fft(signal)
    spectrum[0] = 0
    if length % 2 == 0:
        spectrum[length // 2] = 0
    frequency = np.fft.fftfreq(length, 1 / rate)
    for row, band in zip(found, bands, strict=True):
        low, high = (0.0, rate) if isinstance(band, str) else band
        z = np.where((frequency >= low) & (frequency < high), 2 * spectrum, 0)
        wave = np.abs(np.fft.ifft(z / np.maximum(np.abs(z), 1e-9) if band == "whitened" else z))
        wave = wave**2 if band == "whitened" else wave
        wave = (wave - wave.mean()) * np.hanning(length)
        expected = np.abs(np.fft.rfft(wave, padded_length(length)))[: len(row)] / np.sqrt((wave**2).sum())
        assert np.abs(row - expected).max() < 1e-4 * np.median(expected), band


def test_white_means_every_line_weighs_the_same_and_silence_stays_silent() -> None:
    found = np.abs(np.fft.rfft(whitened(noise(1000) + 30 * tone(1000, 1000))))[1:]
    np.testing.assert_allclose(found, 1, atol=1e-9)
    assert not whitened(np.zeros(100)).any()
    signal = np.cumsum(noise(12_000)) + 1000 * tone(3000)
    found = np.abs(np.fft.rfft(whitened(signal, RATE, 200)))
    parts = [np.sqrt(np.mean(found[start : start + 400] ** 2)) for start in (400, 1500, 4500, 5500)]
    assert parts == pytest.approx([1, 1, 1, 1], rel=0.1), "flat"
    assert found[3000] > 10, "a line stands out of what is around it"


def test_the_kurtogram_finds_the_band_that_rings() -> None:
    rng = np.random.default_rng(1)
    signal = bearing_signal(BEARING, "outer", 1797, RATE, 2, rng, resonance=4200, snr_db=-8, damping=0.03)
    found = kurtogram(signal, RATE)
    assert found.best[0] <= 4200 <= found.best[1] and found.kurtosis > 0.5
    in_band, whole = (
        envelope_spectrum(signal, RATE, band).values[int(2 * BEARING.bpfo * 29.95)]
        for band in (found.best, None)
    )
    floors = [np.median(envelope_spectrum(signal, RATE, band).values[1:1000]) for band in (found.best, None)]
    assert in_band / floors[0] > 1.3 * whole / floors[1]


@pytest.mark.parametrize("hertz", [400.0, 1700.0, 2600.0, 4100.0, 5400.0])
def test_the_bands_of_the_kurtogram_lie_where_they_say(hertz: float) -> None:
    """Bursts of a tone in noise: in each row the band that holds the tone is the most impulsive one, at any frequency."""
    burst = np.zeros(48_000)
    for start in range(1000, 47_000, 3000):
        burst[start : start + 200] = tone(hertz, 200) * np.hanning(200)
    for row in kurtogram(10 * burst + noise(48_000), RATE, 4).levels[:6]:
        place = row.values.argmax() * row.width
        assert place - 0.1 * row.width <= hertz <= place + 1.1 * row.width
        assert len(row.values) * row.width == pytest.approx(RATE / 2)


def test_the_kurtosis_of_noise_is_nothing_and_that_of_a_tone_is_negative() -> None:
    assert abs(kurtogram(noise(96_000), RATE, 3).kurtosis) < 0.1
    assert kurtogram(tone(1000), RATE, 2).levels[0].values[0] == pytest.approx(-1, abs=0.01)
    assert kurtogram(np.zeros(1000), RATE).kurtosis == 0


def test_the_envelope_spectrum_has_its_line_at_the_order_of_the_defect() -> None:
    signal = bearing_signal(
        BEARING, "outer", 1750, RATE, 2, np.random.default_rng(0), resonance=3300, snr_db=0
    )
    found = envelope_order_spectrum(signal, RATE, 1750 / 60, (2500, 4100), highest=5, bins=501)
    assert found.axis[found.values[30:].argmax() + 30] == pytest.approx(BEARING.bpfo, abs=0.03)


# -- resampling ---

#: Ripple of the low-pass where it passes and where it stops, as its docstring has it.
RIPPLE = 1.2e-4


@pytest.mark.parametrize(
    ("rate", "new"),
    [(48_000, 12_000), (50_000, 12_000), (44_100, 12_000), (12_000, 48_000), (97_656, 12_000)],
)
def test_the_low_pass_has_the_ripple_that_is_said(rate: float, new: float) -> None:
    """Tones through the passband come out as they are, those of the stopband are gone, whatever their frequency."""
    length, low = int(rate), min(rate, new)
    places = np.arange(-(-length * int(new) // int(rate))) / new
    for share in np.linspace(0.01, 0.45, 12):
        kept = resample(tone(share * low, length, rate), rate, new)
        expected = np.sin(2 * np.pi * share * low * places + 0.3)
        np.testing.assert_allclose(kept[300:-300], expected[300:-300], rtol=0, atol=RIPPLE)
    for share in np.linspace(0.5, min(1.5, rate / new / 2), 12, endpoint=False) if new < rate else ():
        gone = resample(tone(share * new, length, rate), rate, new)
        assert np.abs(gone[300:-300]).max() < RIPPLE, f"{share * new} Hz came back"


@pytest.mark.parametrize(
    ("rate", "new"), [(48_000, 12_000), (44_100, 12_000), (25_600, 10_000), (97_656, 12_000)]
)
def test_nothing_folds_back_and_what_remains_is_unchanged(rate: float, new: float) -> None:
    length = int(rate)
    for hertz in (0.505 * new, 0.6 * new, 0.9 * new, new):
        if hertz < rate / 2:
            gone = resample(tone(hertz, length, rate), rate, new)
            assert np.abs(gone[300:-300]).max() < RIPPLE, f"{hertz} Hz came back"
    kept = resample(tone(0.4 * new, length, rate) + 5, rate, new)
    assert len(kept) == int(np.ceil(length * new / rate))
    places = np.arange(len(kept)) / new
    expected = 5 + np.sin(2 * np.pi * 0.4 * new * places + 0.3)
    np.testing.assert_allclose(kept[300:-300], expected[300:-300], rtol=0, atol=RIPPLE)


@pytest.mark.parametrize(("rate", "new"), [(48_000, 12_000), (44_100, 12_000), (12_000, 48_000)])
def test_a_window_converted_with_its_margin_is_that_of_the_converted_recording(
    rate: float, new: float
) -> None:
    signal, margin = noise(44_100), resample_margin(rate, new)
    step = 147 * 4
    start, stop = 20 * step, 25 * step
    margin = -(-margin // step) * step
    piece = resample(signal[start - margin : stop + margin], rate, new)
    ratio = new / rate
    first, count = round(margin * ratio), round((stop - start) * ratio)
    whole = resample(signal, rate, new)[round(start * ratio) :][:count]
    np.testing.assert_allclose(piece[first : first + count], whole, rtol=0, atol=2 * RIPPLE)


@pytest.mark.parametrize(
    ("rate", "new"), [(50_000, 12_000), (44_100, 12_000), (12_000, 48_000), (97_656, 12_000)]
)
@pytest.mark.parametrize("length", [500, 20_011, 400_000])
def test_block_by_block_is_the_polyphase_filter_of_the_same_response(
    rate: int, new: int, length: int
) -> None:
    """The reference filters at the common multiple of both rates with the same low-pass, sampled more finely.

    They differ by what the stopband lets through of noise of deviation 1: 1.6e-4 at most was seen, in 1,600,000 samples.
    """
    signal = noise(length)[: min(length, 60_000 if rate == 97_656 else length)] + 3
    ratio = Fraction(new / rate).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    count, beta = scipy.signal.kaiserord(80.0, 0.1 * min(1.0, up / down))
    taps = scipy.signal.firwin(((count | 1) - 1) * up + 1, 0.95 / max(up, down), window=("kaiser", beta))
    expected = scipy.signal.resample_poly(signal - signal.mean(), up, down, window=taps)
    found = resample(signal, rate, new)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found - signal.mean(), expected, rtol=0, atol=2 * RIPPLE)


def test_the_same_rate_changes_nothing() -> None:
    signal = noise(100)
    assert resample(signal, RATE, RATE) is signal and resample_margin(RATE, RATE) == 0


# -- pictures ---


@pytest.mark.parametrize("hertz", [600.0, 3000.0, 5100.0])
def test_every_picture_shows_a_tone_at_its_frequency(hertz: float) -> None:
    signal = tone(hertz, 1024)
    for picture, wide in (
        (stft(signal, RATE, 256), 47),
        (cwt(signal, RATE, 96), 0.05 * hertz),
        (wigner_ville(signal, RATE), 12),
        (smoothed_pseudo_wigner_ville(signal, RATE), 47),
    ):
        middle = picture.values[:, picture.values.shape[1] // 2]
        assert picture.values.shape == (len(picture.frequencies), len(picture.times))
        assert picture.frequencies[middle.argmax()] == pytest.approx(hertz, abs=wide)


@pytest.mark.parametrize("hertz", [100.0, 300.0, 2000.0])
def test_wavelets_show_the_amplitude_of_a_tone_whatever_its_frequency(hertz: float) -> None:
    picture = cwt(tone(hertz, 2048, amplitude=2), RATE, np.array([hertz / 2, hertz]))
    assert picture.values[1, 1024] == pytest.approx(2, rel=0.06)
    assert picture.values[0, 1024] < 0.1


def test_every_picture_shows_an_impulse_at_its_time() -> None:
    signal = np.zeros(1024)
    signal[700] = 1
    for picture in (
        stft(signal, RATE, 64, 16), cwt(signal, RATE, 32, lowest=500), wigner_ville(signal, RATE),
        smoothed_pseudo_wigner_ville(signal, RATE),
    ):  # fmt: skip
        assert picture.times[np.abs(picture.values).sum(0).argmax()] * RATE == pytest.approx(700, abs=16)


def test_the_stft_of_a_steady_sine_is_its_amplitude() -> None:
    assert stft(tone(1500, amplitude=2), RATE, 256).values.max(0) == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("length", [255, 256])
def test_the_time_marginal_of_the_wigner_ville_distribution_is_the_squared_magnitude(length: int) -> None:
    signal = noise(length)
    z = analytic(signal - signal.mean())
    found = wigner_ville(signal, RATE)
    np.testing.assert_allclose(found.values.mean(0), np.abs(z) ** 2, atol=1e-10)


def test_the_wigner_ville_distribution_is_its_definition() -> None:
    signal = noise(24)
    z = analytic(signal - signal.mean())
    expected = np.zeros((24, 24))
    for n in range(24):
        for k in range(24):
            for m in range(-min(n, 23 - n), min(n, 23 - n) + 1):
                expected[k, n] += (z[n + m] * z[n - m].conj() * np.exp(-2j * np.pi * k * m / 24)).real
    np.testing.assert_allclose(wigner_ville(signal, RATE).values, expected, atol=1e-10)


def test_without_smoothing_over_time_the_marginal_of_the_pseudo_form_is_kept() -> None:
    signal = noise(300)
    z = analytic(signal - signal.mean())
    found = smoothed_pseudo_wigner_ville(signal, RATE, bins=64, hop=1, time_window=1)
    np.testing.assert_allclose(found.values.mean(0), np.abs(z) ** 2, atol=1e-10)


def test_smoothing_weakens_the_product_between_two_tones() -> None:
    signal = tone(1500, 1024) + tone(4500, 1024)
    for picture, least, most in (
        (wigner_ville(signal, RATE), 1.0, 9.0),
        (smoothed_pseudo_wigner_ville(signal, RATE, time_window=33), 0.0, 0.2),
    ):
        size = np.abs(picture.values[:, picture.values.shape[1] // 4 : -picture.values.shape[1] // 4]).max(1)
        at = [size[np.abs(picture.frequencies - hertz).argmin()] for hertz in (1500, 3000, 4500)]
        assert least <= at[1] / min(at[0], at[2]) <= most


# -- simulation ---


def test_an_impulse_train_has_its_frequency_and_slip_moves_single_intervals() -> None:
    steady = impulse_train(100, RATE, 2, np.random.default_rng(0))
    assert steady.sum() == pytest.approx(200, abs=1)
    slipping = impulse_train(100, RATE, 2, np.random.default_rng(0), slip=0.02)
    assert slipping.sum() == pytest.approx(200, abs=3) and not np.array_equal(steady, slipping)
    again = impulse_train(100, RATE, 2, np.random.default_rng(0), slip=0.02)
    np.testing.assert_array_equal(slipping, again)


def test_a_simulated_recording_has_the_stated_noise() -> None:
    loud, quiet = (
        bearing_signal(BEARING, "inner", 1797, RATE, 5, np.random.default_rng(0), snr_db=snr)
        for snr in (-10, np.inf)
    )
    assert np.mean(quiet**2) == pytest.approx(1)
    assert np.mean((loud - quiet) ** 2) == pytest.approx(10, rel=0.02)
    with pytest.raises(ValueError, match="no part"):
        bearing_signal(BEARING, "cage", 1797, RATE, 1, np.random.default_rng(0))


# -- streaming ---


@pytest.mark.parametrize("piece", [5000, 7001, 10**6])
def test_the_streamed_envelope_does_not_depend_on_the_pieces(piece: int) -> None:
    signal = noise(30_000).astype(np.float32)
    done: list[tuple[int, int]] = []
    parts = list(
        stream_envelope(
            lambda a, b: signal[a:b], len(signal), RATE, (2000, 4000), piece=piece, taps=301,
            progress=lambda part, of: done.append((part, of)),
        )
    )  # fmt: skip
    assert [start for start, _ in parts] == list(range(0, 30_000, piece))
    assert [part for part, _ in done] == [start + len(found) for start, found in parts] and done[-1] == (
        30_000,
        30_000,
    )
    found = np.concatenate([part for _, part in parts])
    transform = BandEnvelope(RATE, (2000, 4000), 301)
    np.testing.assert_allclose(found, transform(np.pad(signal, transform.margin)), atol=2e-5)


def test_the_streamed_envelope_of_a_modulated_tone_is_its_modulation() -> None:
    modulation = 1 + 0.5 * tone(20, 36_000)
    signal = modulation * tone(3000, 36_000) + tone(300, 36_000)
    parts = stream_envelope(lambda a, b: signal[a:b], len(signal), RATE, (2000, 4000), piece=9000, workers=1)
    found = np.concatenate([part for _, part in parts])
    np.testing.assert_allclose(found[1000:-1000], modulation[1000:-1000], atol=0.004)


def test_a_recording_that_shrinks_while_it_is_read_is_said() -> None:
    with pytest.raises(ValueError, match="Scan it again"):
        list(stream_envelope(lambda a, b: np.zeros(min(b, 9000) - a), 20_000, RATE, piece=5000))


@pytest.mark.parametrize(
    ("length", "hop"), [(100, 50), (100, 130), (7, 7), (1500, 1), (100, 2500), (5000, 10)]
)
def test_windows_of_pieces_are_those_of_the_whole(length: int, hop: int) -> None:
    signal = noise(4000)
    pieces = [(start, signal[start : start + 997]) for start in range(0, 4000, 997)]
    found = [(start, cut.copy()) for start, cut in stream_windows(pieces, length, hop)]
    expected = range(0, 4000 - length + 1, hop)
    assert sum(len(cut) for _, cut in found) == len(expected)
    number = 0
    for start, cut in found:
        assert start == number * hop
        for row in cut:
            np.testing.assert_array_equal(row, signal[number * hop : number * hop + length])
            number += 1
    with pytest.raises(ValueError, match="does not follow"):
        list(stream_windows([pieces[0], pieces[2]], length, hop))
