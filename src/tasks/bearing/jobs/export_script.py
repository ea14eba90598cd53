"""The script that uses an exported model of recordings without Lathe: numpy alone computes its inputs."""

from __future__ import annotations

from typing import Any

from scipy.fft import next_fast_len

from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.pictures import DEPTH_DB, spectrogram_grid

#: What the script computes by itself.
_KNOWN = frozenset({"lines", "envelope", "fft", "raw", "stft"})

_HEAD = '''\
"""Class probabilities over time by the model beside this file: python use_model.py RECORDING.npy REVOLUTIONS_PER_MINUTE

The recording is one channel at {rate:g} Hz, as .npy or as text. Needs neither Lathe nor more than: pip install {package} numpy"""
import sys
from pathlib import Path

import numpy as np

CLASSES = {classes}
RATE, LENGTH, HOP = {rate!r}, {length}, {hop}


def standardised(x):
    x = np.asarray(x, np.float64) - np.mean(x, dtype=np.float64)
    return x / x.std() if x.std() > 1e-12 else np.zeros_like(x)

'''

_ENVELOPES = '''
BANDS = {bands}


def read(values, places):
    places = np.clip(places, 0, values.shape[-1] - 1.001)
    low = places.astype(np.int64)
    return values[..., low] * (1 - places + low) + values[..., low + 1] * (places - low)


def envelope_spectra(x):
    """Spectra of the envelopes of the signal in each band; {padded} values are transformed."""
    whole, hertz = np.fft.fft(x), np.arange(len(x)) * (RATE / len(x))
    analytic, rows = np.where((hertz > 0) & (hertz < RATE / 2), 2 * whole, 0), []
    for band in BANDS:
        if band == "whole":
            envelope = np.abs(np.fft.ifft(analytic))
        elif band == "whitened":
            envelope = np.abs(np.fft.ifft(analytic / np.maximum(np.abs(analytic), 1e-9))) ** 2
        else:
            envelope = np.abs(np.fft.ifft(np.where((hertz >= band[0]) & (hertz < band[1]), analytic, 0)))
        spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(x)), {padded}))
        rows.append(spectrum / max(float(np.median(spectrum)), 1e-18))
    return np.stack(rows)


def levelled(spectra, step):
    """Logarithm over its running median, at multiples of ``step`` Hz."""
    hertz = RATE / {padded}
    values = np.log(read(spectra, np.arange({count}) * (step / hertz)) + 1e-9)
    padded = np.pad(values, ((0, 0), ({half}, {half})), "edge")
    return values - np.median(np.lib.stride_tricks.sliding_window_view(padded, {width}, axis=1), axis=-1)

'''

_LINES = """
ORDERS, HARMONICS, AROUND, STEP = {orders}, {harmonics}, {around}, {step!r}
PLACES = np.outer(ORDERS, np.arange(1, HARMONICS + 1))[..., None] + np.arange(-AROUND, AROUND + 1) * STEP

"""

_SPECTROGRAM = '''
SIDE, SEGMENT, STEP_BETWEEN = {side}, {segment}, {hop}


def averaged(values):
    """Columns to SIDE of them, each the mean of what it covers."""
    edges, count = np.linspace(0, values.shape[1], SIDE + 1), values.shape[1]
    sums = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    return np.stack([np.diff(np.interp(edges, np.arange(count + 1), row)) for row in sums]) * (SIDE / count)


def spectrogram(x):
    """Decibels over time (columns) and frequency, mean 0 and deviation 1."""
    parts = np.lib.stride_tricks.sliding_window_view(x, SEGMENT)[::STEP_BETWEEN]
    values = np.abs(np.fft.rfft(parts * np.hanning(SEGMENT + 1)[:-1])).T
    values[0] /= 2
    values[-1] /= 2 if SEGMENT % 2 == 0 else 1
    values = np.sqrt(averaged(values**2))
    level = 20 * np.log10(np.maximum(values, max(values.max(), 1e-30) * {floor!r}))
    return standardised(averaged(level.T).T)

'''

_TAIL = """

if __name__ == "__main__":
    path, rpm = sys.argv[1], float(sys.argv[2])
    signal = np.load(path) if path.endswith(".npy") else np.loadtxt(path, delimiter="," if path.endswith(".csv") else None)
    signal = np.asarray(signal, np.float32).reshape(-1)
{load}
    found = []
    for start in range(0, len(signal) - LENGTH + 1, HOP):
        feed = {{name: value[None] for name, value in inputs(signal[start : start + LENGTH], rpm).items()}}
        found.append({ask})
        print(f"{{start / RATE:9.3f}} s  " + "  ".join(f"{{c}} {{p:.3f}}" for c, p in zip(CLASSES, found[-1])))
    mean = np.mean(found, axis=0)
    print("recording:", {verdict})
"""


def unsupported(maker: InputMaker, length: int) -> str:
    """Which input of a model, for windows of so many samples, the script cannot compute; empty where it can compute all."""
    if missing := [name for name in maker.names if name not in _KNOWN]:
        return f"the input {missing[0]}"
    if maker.options.band == "kurtogram" and (maker.options.lines or maker.options.envelope):
        return "the band of the kurtogram"
    if "stft" in maker.names and not _averaged(length, maker.options.picture_side):
        return "the spectrogram of so short a window"
    return ""


def _averaged(length: int, side: int) -> bool:
    """Whether the spectrogram has at least as many frequencies and times as its picture: others are interpolated."""
    segment, hop = spectrogram_grid(length, side)
    return segment // 2 + 1 >= side and (length - segment) // hop + 1 >= side


def use_script(maker: InputMaker, table: dict[str, Any]) -> str:
    """The script for a model whose ``classes.json`` is ``table``; see `unsupported`."""
    options, length = maker.options, int(table["window"]["length"])
    package = "onnxruntime" if table["runtime"] == "onnxruntime" else "torch"
    text = _HEAD.format(
        rate=float(table["window"]["rate"]), package=package, classes=[c["name"] for c in table["classes"]],
        length=length, hop=int(table["window"]["hop"]),
    )  # fmt: skip
    count = round(options.highest_order / options.order_step)
    if options.lines or options.envelope:
        width = max(3, round(1 / options.order_step)) | 1
        text += _ENVELOPES.format(
            bands=[b if isinstance(b, str) else tuple(b) for b in maker.bands], padded=next_fast_len(4 * length, real=True),
            count=count, half=width // 2, width=width,
        )  # fmt: skip
    if options.lines and maker.grid is not None:
        text += _LINES.format(
            orders=[float(o) for o in maker.grid.orders], harmonics=options.harmonics,
            around=round(options.around / options.order_step), step=float(options.order_step),
        )  # fmt: skip
    if "stft" in maker.names:
        segment, hop = spectrogram_grid(length, options.picture_side)
        text += _SPECTROGRAM.format(
            side=options.picture_side, segment=segment, hop=hop, floor=10 ** (-DEPTH_DB / 20)
        )
    text += "\n" + "\n".join(_inputs(maker, count)) + "\n"
    return text + _tail(table)


def _inputs(maker: InputMaker, count: int) -> list[str]:
    options = maker.options
    lines = ["def inputs(window, rpm):", '    """What the model takes for one window, by name, float32."""',
             "    x, found = standardised(window), {}"]  # fmt: skip
    if options.lines or options.envelope:
        lines.append("    spectra = envelope_spectra(x)")
    for name in maker.names:
        if name == "lines":
            lines.append(f"    levels = levelled(spectra, {float(options.order_step)!r} * rpm / 60)")
            value = "np.moveaxis(read(levels, PLACES / STEP), 0, 1)"
        elif name == "envelope":
            step = f"{float(options.order_step)!r} * rpm / 60"
            if options.axis == "hz":
                step = repr(float(options.highest_hz / count))
            value = f"levelled(spectra, {step})"
        elif name == "fft":
            value = "standardised(np.log(np.abs(np.fft.rfft(x * np.hanning(len(x)))) + 1e-9))[None]"
        else:
            value = "spectrogram(x)[None]" if name == "stft" else "x[None]"
        lines.append(f'    found["{name}"] = np.ascontiguousarray({value}, np.float32)')
    return [*lines, "    return found"]


def _tail(table: dict[str, Any]) -> str:
    place = f'str(Path(__file__).with_name("{table["file"]}"))'
    if table["runtime"] == "onnxruntime":
        load = f"import onnxruntime\n\nmodel = onnxruntime.InferenceSession({place}, providers=['CPUExecutionProvider'])"
        ask = "model.run(None, feed)[0][0]"
    else:
        how = f"torch.jit.load({place})"
        if table["runtime"] == "torch.export":
            how = f"torch.export.load({place}).module()"
        load = f"import torch\n\nmodel = {how}"
        ask = "model({k: torch.from_numpy(v) for k, v in feed.items()}).detach().numpy()[0]"
    several = table["several"]
    if table["output"]["kind"] == "logits":
        ask = (
            f"1 / (1 + np.exp(-{ask}))"
            if several
            else f"(lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum())({ask})"
        )
    verdict = "[c for c, p in zip(CLASSES, mean) if p > 0.5]" if several else "CLASSES[int(mean.argmax())]"
    indented = "\n".join("    " + line if line else "" for line in load.splitlines())
    return _TAIL.format(load=indented, ask=ask, verdict=verdict)
