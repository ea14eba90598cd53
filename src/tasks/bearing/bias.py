"""What dividing windows at random does to the number, shown on the data themselves with the plainest classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from src.core.dataset.findings import Finding, setting
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.windows import WindowShape, read_window

_BANDS = 48
_WINDOWS = 24
_RECORDINGS = 60
_SAMPLES = 16_384


@dataclass(frozen=True)
class SplitBias:
    """Balanced accuracy, 0 to 1, of naming a window's label by its nearest neighbour among the windows learnt.

    Attributes:
        at_random: The neighbour may be another window of the same recording, as in a random division.
        by_group: It must be of another group, as on a bearing that was never recorded.
        chance: One over the number of labels.
    """

    at_random: float
    by_group: float
    chance: float


def split_bias(
    recordings: Sequence[Recording], shape: WindowShape, group: Callable[[Recording], str]
) -> SplitBias | None:
    """Compare both ways of dividing; ``None`` where fewer than two labels have two groups.

    At most 24 windows of 60 recordings are looked at: the logarithm of the spectrum in 48 bands, by cosine likeness.

    Args:
        recordings: Whole ones, with labels.
        shape: Of the windows.
        group: What is one thing.
    """
    groups: dict[str, set[str]] = {}
    for recording in recordings:
        groups.setdefault(recording.label, set()).add(group(recording))
    labels = sorted(label for label, found in groups.items() if label and len(found) > 1)
    chosen = [r for r in recordings if r.label in labels and shape.count(r) > 1]
    chosen = (
        [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, _RECORDINGS).astype(int))]
        if chosen
        else []
    )
    rows, truth, places, owner = [], [], [], []
    for recording in chosen:
        for number in np.unique(np.linspace(0, shape.count(recording) - 1, _WINDOWS).astype(int)):
            try:
                rows.append(_bands(read_window(recording, shape, int(number) * shape.hop)))
            except (UnreadableSignalError, OSError):
                break
            truth.append(labels.index(recording.label))
            places.append(group(recording))
            owner.append((recording.id, int(number)))
    if len(set(truth)) < 2:
        return None
    table, known = np.asarray(rows), np.asarray(truth)
    table = (table - table.mean(0)) / (table.std(0) + 1e-9)
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9
    like = table @ table.T
    np.fill_diagonal(like, -np.inf)
    names = np.asarray(places)
    free = _balanced(known, known[like.argmax(1)])
    like[names[:, None] == names[None]] = -np.inf
    return SplitBias(free, _balanced(known, known[like.argmax(1)]), 1 / len(set(truth)))


def _bands(values: np.ndarray) -> np.ndarray:
    values = values[:_SAMPLES]
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values)))) ** 2
    edges = np.unique(np.linspace(0, len(power) - 1, min(_BANDS, len(power) - 1) + 1).astype(int)[:-1])
    return np.asarray(np.log10(np.add.reduceat(power, edges) + 1e-20))


def _balanced(truth: np.ndarray, said: np.ndarray) -> float:
    return float(np.mean([np.mean(said[truth == label] == label) for label in np.unique(truth)]))


def random_windows(bias: SplitBias | None, overlap: float) -> Finding:
    """The warning that stands beside every number of a random division."""
    text = (
        "WINDOWS ARE DIVIDED AT RANDOM: validation holds windows of the very recordings that were learnt, so its numbers say "
        "how well recordings are recognised again, not how well a fault is recognised on another bearing."
    )
    if overlap > 0:
        text += f" Neighbouring windows even share {overlap:.0%} of their samples."
    if bias is not None:
        text += (
            f" On these data a plain comparison of spectra names {bias.at_random:.0%} of the windows rightly this way, and "
            f"{bias.by_group:.0%} when the neighbour must be of another bearing or recording (by chance: {bias.chance:.0%})."
        )
    cure = (
        "Report such a number only beside one by bearing. Set data.split.group_by to bearing, or recording."
    )
    actions = (
        setting("Keep each recording together", data__split__group_by="recording"),
        setting("Keep each bearing together", data__split__group_by="bearing"),
    )
    return Finding("warning", "split.random_windows", text, cure, (), actions)
