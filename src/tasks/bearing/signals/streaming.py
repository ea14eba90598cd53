"""Envelope and windows of recordings of any length, piece by piece in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import scipy.fft
import scipy.signal

from src.tasks.bearing.signals.envelope import Band, checked_band
from src.tasks.bearing.signals.spectra import Array

#: Gives the samples from a start to a stop, one dimension.
Read = Callable[[int, int], Array]
#: Is told how many samples of how many are done.
Progress = Callable[[int, int], None]

_STOP_DB = 60.0
#: Length of one transform, in lengths of the filter: longer ones compute fewer samples twice, shorter ones fit the cache.
_BLOCK = 16


class BandEnvelope:
    """Envelope of a band by a quasi-analytic FIR filter, which needs only the samples around each result.

    Attributes:
        band: Hz, as it is applied: the filter's edges need room at 0 Hz and at half the rate.
        margin: Samples on each side of a result that it depends on.
    """

    def __init__(self, rate: float, band: Band | None = None, taps: int = 1025) -> None:
        """Design the filter.

        Args:
            rate: Hz.
            band: Hz, where the filter is 6 dB down; None: all frequencies.
            taps: Length of the filter, odd; its edges are 3.6 · rate / taps wide.

        Raises ValueError where the band is too narrow for the filter or does not lie below half the rate.
        """
        low, high = checked_band(band, rate)
        taps |= 1
        edge = (_STOP_DB - 7.95) / (2.285 * (taps - 1) * 2 * np.pi) * rate
        low, high = max(low, edge / 2), min(high, rate / 2 - edge / 2)
        if high - low < edge:
            raise ValueError(
                f"The band {low:.4g} to {high:.4g} Hz is too narrow for a filter of {taps} samples, whose edges are "
                f"{edge:.4g} Hz wide. Choose a wider band or a longer filter."
            )
        self.band = (low, high)
        self.margin = taps // 2
        window = ("kaiser", scipy.signal.kaiser_beta(_STOP_DB))
        half = scipy.signal.firwin(taps, (high - low) / 2, window=window, fs=rate)
        shift = np.exp(2j * np.pi * (low + high) / 2 / rate * (np.arange(taps) - self.margin))
        self._length = scipy.fft.next_fast_len(_BLOCK * taps)
        self._response = (2 * scipy.fft.fft(half * shift, self._length)).astype(np.complex64)

    def __call__(self, samples: Array) -> Array:
        """Envelope of all samples but ``margin`` at each end (overlap-save).

        Args:
            samples: One dimension; more than twice the margin.

        Returns:
            float32, ``len(samples) - 2 · margin``.
        """
        count = len(samples) - 2 * self.margin
        if count <= 0:
            return np.zeros(0, np.float32)
        hop = self._length - 2 * self.margin
        blocks = -(-count // hop)
        padded = np.zeros((blocks - 1) * hop + self._length, np.float32)
        padded[: len(samples)] = samples
        found = np.empty((blocks, hop), np.float32)
        full = np.empty(self._length, np.complex64)
        half = self._length // 2 + 1
        for block in range(blocks):
            spectrum = scipy.fft.rfft(padded[block * hop : block * hop + self._length])
            # The few thousandths that the filter lets through of negative frequencies belong to it: without them the
            # result would depend on where the blocks begin
            full[:half] = spectrum
            np.conjugate(spectrum[self._length - half : 0 : -1], out=full[half:])
            full *= self._response
            np.abs(scipy.fft.ifft(full)[2 * self.margin :], out=found[block])
        return found.reshape(-1)[:count]


def stream_envelope(
    read: Read, length: int, rate: float, band: Band | None = None, *, piece: int = 1 << 20, workers: int = 2,
    taps: int = 1025, progress: Progress | None = None,
) -> Iterator[tuple[int, Array]]:  # fmt: skip
    """Envelope of a long recording, the same whatever the pieces; beyond its ends the recording is taken as 0.

    Memory is bounded by a few pieces. Reading happens in the thread of the caller; stop by closing the iterator.

    Args:
        read: Gives samples of the recording.
        length: Samples in the recording.
        rate: Hz.
        band: Hz; None: all frequencies.
        piece: Samples at a time.
        workers: Threads that compute.
        taps: See `BandEnvelope`.
        progress: Told after each piece.

    Yields:
        First sample and the envelope from there, float32, in order and without gaps.

    Raises:
        ValueError: where the recording gives fewer samples than it said (it changed while it was read).
    """
    transform = BandEnvelope(rate, band, taps)
    margin = transform.margin
    piece = max(piece, 4 * margin)

    def part(start: int, stop: int) -> Array:
        first, last = max(0, start - margin), min(length, stop + margin)
        samples = np.asarray(read(first, last))
        if samples.shape != (last - first,):
            raise ValueError(
                f"Samples {first} to {last} were asked for and {samples.size} came. Did the recording change while it was "
                "read? Scan it again."
            )
        return np.pad(
            samples.astype(np.float32, copy=False), (margin - (start - first), margin - (last - stop))
        )

    waiting: deque[tuple[int, int, Future[Array]]] = deque()

    def oldest() -> tuple[int, Array]:
        start, stop, result = waiting.popleft()
        found = result.result()
        if progress is not None:
            progress(stop, length)
        return start, found

    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="envelope")
    try:
        for start in range(0, length, piece):
            stop = min(length, start + piece)
            waiting.append((start, stop, pool.submit(transform, part(start, stop))))
            if len(waiting) > workers:
                yield oldest()
        while waiting:
            yield oldest()
    finally:
        pool.shutdown(cancel_futures=True)


def stream_windows(pieces: Iterable[tuple[int, Array]], length: int, hop: int) -> Iterator[tuple[int, Array]]:
    """Windows cut from pieces that follow each other, as if from the whole signal.

    Args:
        pieces: First sample and samples, in order and without gaps.
        length: Samples in a window.
        hop: Samples from window to window; greater than the length leaves gaps.

    Yields:
        First sample of the first window, and windows × length; a view, to be used before the next is asked for. What is
        left at the end and shorter than a window is dropped.
    """
    if length < 1 or hop < 1:
        raise ValueError(f"Windows of {length} samples every {hop} cannot be cut; both must be 1 or more.")
    rest = np.zeros(0, np.float32)
    end = following = -1
    for start, samples in pieces:
        if end < 0:
            following = start
        elif start != end:
            raise ValueError(f"The piece at sample {start} does not follow the one that ended at {end}.")
        end = start + len(samples)
        rest = np.concatenate([rest, samples]) if len(rest) else samples
        # With gaps between windows, the next one may begin after the end of this piece
        rest = rest[max(0, following - (end - len(rest))) :]
        if end - following >= length:
            count = (end - following - length) // hop + 1
            yield following, np.lib.stride_tricks.sliding_window_view(rest, length)[::hop][:count]
            following += count * hop
            rest = rest[max(0, following - (end - len(rest))) :]
