"""NumPy arrays and WAV files, both mapped into memory."""

from __future__ import annotations

import struct
import warnings
import wave
from pathlib import Path
from typing import Any

import numpy as np

from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError, as_float32, part_of, split_column

_NPY = "signal"


def _open_npy(path: Path) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError, SyntaxError, MemoryError) as error:
        raise UnreadableSignalError(f"it is not a NumPy array of numbers ({error})") from error
    if found.dtype.kind not in "iufb":
        raise UnreadableSignalError(f"it holds values of type {found.dtype}, not real numbers")
    return found


def npy_facts(path: Path) -> FileFacts:
    """The channels of a NumPy file: ``signal``, or ``signal[1]``, … of two dimensions (the longer one is time)."""
    facts, array = FileFacts(), _open_npy(path)
    facts.add_shape(_NPY, array.shape, lambda: array.reshape(-1)[0])
    return facts


def npy_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a channel."""
    return part_of(_open_npy(path), split_column(channel)[1], start, stop)


def _open_wav(path: Path) -> tuple[int, Any]:
    """Sampling rate, and an array of ``samples`` or ``samples × channels``; None for 24 bit, which cannot be mapped."""
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", wavfile.WavFileWarning
            )  # chunks of remarks that scipy does not know
            return wavfile.read(path, mmap=True)
    except ValueError as error:
        if "mmap" in str(error) or "24" in str(error):
            return 0, None
        raise UnreadableSignalError(f"it is not a WAV file that can be read ({error})") from error
    except (
        EOFError,
        struct.error,
        MemoryError,
        OverflowError,
        ZeroDivisionError,
        UnboundLocalError,
    ) as error:
        raise UnreadableSignalError("it is a damaged WAV file") from error


def wav_facts(path: Path) -> FileFacts:
    """Channels ``channel 1``, ``channel 2``, … and the sampling rate of a WAV file."""
    rate, data = _open_wav(path)
    if data is None:
        with _pcm(path) as stream:
            rate, length, count = stream.getframerate(), stream.getnframes(), stream.getnchannels()
    else:
        length, count = data.shape[0], 1 if data.ndim == 1 else data.shape[1]
    return FileFacts({f"channel {k}": length for k in range(1, count + 1)}, {}, float(rate))


def _pcm(path: Path) -> wave.Wave_read:
    try:
        return wave.open(str(path), "rb")
    except (wave.Error, EOFError) as error:
        raise UnreadableSignalError(f"it is not a WAV file that can be read ({error})") from error


def wav_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a channel; whole numbers are divided by full scale, so that clipping lies at ±1."""
    number = int(channel.rpartition(" ")[2]) - 1
    _, data = _open_wav(path)
    if data is None:
        return _wide_pcm(path, number, start, stop)
    piece = data[start:stop] if data.ndim == 1 else data[start:stop, number]
    found = as_float32(piece)
    if data.dtype.kind == "u":
        return (found - 128.0) / np.float32(128.0)
    return found / np.float32(np.iinfo(data.dtype).max + 1) if data.dtype.kind == "i" else found


def _wide_pcm(path: Path, number: int, start: int, stop: int) -> np.ndarray:
    """Samples of three bytes, least byte first."""
    with _pcm(path) as stream:
        width, count = stream.getsampwidth(), stream.getnchannels()
        if width != 3:
            raise UnreadableSignalError(f"it holds samples of {8 * width} bits, which are not known")
        stream.setpos(min(start, stream.getnframes()))
        raw = np.frombuffer(stream.readframes(max(0, stop - start)), np.uint8)
    raw = raw[: len(raw) // (3 * count) * 3 * count].reshape(-1, count, 3)[:, number]
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw  # in the upper three bytes: the sign comes with it
    values = wide.view("<i4").reshape(-1).astype(np.float32)
    return values / np.float32(2**31)
