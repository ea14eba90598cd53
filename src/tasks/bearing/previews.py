"""Pictures of a window for previews: its spectrogram, and bars of truth and scores."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from src.core.engine.task import PreviewItem
from src.tasks.bearing.pictures import picture

_SIDE = 256
#: RGB of bars: what is true, what is not.
_TRUE, _FALSE, _PAPER, _INK = (46, 125, 50), (120, 130, 145), (250, 250, 250), (30, 30, 30)
#: cv2 draws these letters only; others would become question marks.
_ASCII = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}


def preview_item(
    name: str,
    window: np.ndarray,
    rate: float,
    scores: np.ndarray,
    truth: Sequence[int],
    classes: Sequence[str],
) -> PreviewItem:
    """A window's spectrogram (time to the right, frequency upwards), its truth and its scores.

    Its own value is the mean probability that the truth was given.
    """
    there = np.zeros(len(classes), bool)
    there[list(truth)] = True
    given = np.where(there, scores, 1 - scores)
    own = float(scores[there].mean()) if there.any() else float(given.mean())
    return PreviewItem(
        name, _spectrogram(window, rate), score_bars(there.astype(float), there, classes), score_bars(scores, there, classes), own,
        "Spectrogram", "Mean score of what is true",
    )  # fmt: skip


def _spectrogram(window: np.ndarray, rate: float) -> np.ndarray:
    values = picture("stft", window, rate, 128)[::-1]
    low, high = np.quantile(values, (0.02, 0.998))
    grey = (np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.resize(coloured, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def score_bars(scores: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Scores from 0 to 1 as bars with their names, RGB uint8; the bars of what is true are green."""
    found = np.full((_SIDE, _SIDE, 3), _PAPER, np.uint8)
    height = _SIDE / max(1, len(classes))
    for row, (score, true, name) in enumerate(zip(scores, truth, classes, strict=True)):
        top, bottom = round((row + 0.5) * height), round((row + 0.9) * height)
        cv2.rectangle(
            found,
            (8, top),
            (8 + round(float(score) * (_SIDE - 16)), max(top, bottom)),
            _TRUE if true else _FALSE,
            -1,
        )
        if height >= 14:
            words = f"{name.translate(_ASCII)}  {100 * float(score):.0f} %"
            cv2.putText(
                found,
                words,
                (8, round((row + 0.42) * height)),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.45,
                _INK,
                1,
                cv2.LINE_AA,
            )
    return found
