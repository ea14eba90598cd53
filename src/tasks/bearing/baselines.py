"""What a model must be better than: the most frequent class, a random forest, and the rule that learns nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import kurtosis, skew
from sklearn.ensemble import RandomForestClassifier

from src.models.signal_metrics import SignalMetrics
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.geometry import RollingBearing
from src.tasks.bearing.inputs import standardised
from src.tasks.bearing.loader import WindowSet
from src.tasks.bearing.networks import kinds_of
from src.tasks.bearing.signals.rule import EnvelopeRule

if TYPE_CHECKING:
    from src.tasks.bearing.task import BearingTask

#: Windows that the forest learns from and that the baselines are measured on, spread evenly over all.
MOST_WINDOWS = 4000
_TREES, _BANDS = 200, 32
_LEAST_PROBABILITY = 1e-6


def spectral_features(window: np.ndarray) -> np.ndarray:
    """What the forest sees of a window, float32: the logarithm of the energy in 32 equal bands up to half the rate, the
    spectrum's centroid and spread, and deviation, skewness, kurtosis and crest factor of the signal.
    """
    deviation = float(np.std(window))
    x = standardised(window)
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2 / len(x)
    bands = np.array([part.mean() if len(part) else 0.0 for part in np.array_split(power, _BANDS)])
    place, total = np.linspace(0, 1, len(power)), max(float(power.sum()), 1e-12)
    centroid = float((place * power).sum() / total)
    spread = float(np.sqrt(((place - centroid) ** 2 * power).sum() / total))
    shape = [float(skew(x)), float(kurtosis(x)), float(np.abs(x).max())] if x.any() else [0.0, 0.0, 0.0]
    return np.array([*np.log(bands + 1e-9), centroid, spread, np.log(deviation + 1e-12), *shape], np.float32)


def measure_baselines(
    task: BearingTask, cancelled: Callable[[], bool] = lambda: False
) -> list[dict[str, Any]]:
    """Each baseline on the validation windows, measured as the model is.

    Windows that cannot be read are left out. Empty where there is nothing to validate on, or where ``cancelled`` said so;
    the rule is left out where bearing or speed are not known, or no class is a part of the bearing.

    Returns:
        For each a mapping of ``name``, ``about`` and ``metrics``.
    """
    train, val = task.window_set("train"), task.window_set("val")
    numbers, found = baseline_logits(task, train, val, cancelled)
    return [
        {"name": name, "about": about, "metrics": _measured(task, val, numbers, logits)}
        for name, about, logits in found
    ]


def baseline_logits(
    task: BearingTask,
    train: WindowSet,
    seen: WindowSet,
    cancelled: Callable[[], bool] = lambda: False,
    bearing: RollingBearing | None = None,
    most: int = MOST_WINDOWS,
) -> tuple[list[int], list[tuple[str, str, np.ndarray]]]:
    """What each baseline says of windows.

    Args:
        task: Of the training.
        train, seen: Windows to learn from, and to answer for.
        cancelled: Ends it; nothing is answered then.
        bearing: Of ``seen``; None: that of the training.
        most: Windows that are answered for, spread evenly over all.

    Returns:
        Numbers of the windows of ``seen``, and name, description and logits N×C of each baseline.
    """
    if not len(train) or not len(seen):
        return [], []
    learnt, learnt_numbers = _features(train, cancelled, MOST_WINDOWS)
    values, numbers = _features(seen, cancelled, most)
    if cancelled() or not len(learnt_numbers) or not len(numbers):
        return [], []
    truth = np.stack([np.asarray(train.target(n)) for n in learnt_numbers])
    found = [
        ("Most frequent class", "always says what most training windows are", _majority(task, len(numbers))),
        ("Random forest", f"{_TREES} trees on {learnt.shape[1]} values of each window's spectrum",
         _forest(task, learnt, truth, values)),
    ]  # fmt: skip
    if (logits := _rule(task, seen, numbers, bearing or task.bearing)) is not None:
        found.append(
            ("Envelope rule", "learns nothing: the highest lines at the bearing's fault frequencies", logits)
        )
    return numbers, found


def _features(windows: WindowSet, cancelled: Callable[[], bool], most: int) -> tuple[np.ndarray, list[int]]:
    count = len(windows)
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
    rows, numbers = [], []
    for number in chosen:
        if cancelled():
            break
        try:
            rows.append(spectral_features(windows.window(number)))
            numbers.append(number)
        except (UnreadableSignalError, OSError):  # the loader names it
            continue
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32), numbers


def _measured(
    task: BearingTask, windows: WindowSet, numbers: list[int], logits: np.ndarray
) -> dict[str, float]:
    metrics = SignalMetrics(task.class_names, task.several)
    target = torch.from_numpy(np.stack([np.asarray(windows.target(n)) for n in numbers]))
    recording = torch.tensor([windows.index.place(n)[0] for n in numbers])
    metrics.add(torch.from_numpy(logits), target, recording)
    return metrics.summary()[0]


def _as_logits(probability: np.ndarray, several: bool) -> np.ndarray:
    p = np.clip(probability, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(p) - np.log1p(-p) if several else np.log(p)


def _majority(task: BearingTask, count: int) -> np.ndarray:
    windows = task.class_windows("train")
    if task.several:
        index = task.windows("train")
        probability = windows / max(1, len(index))
    else:
        probability = np.eye(len(windows))[windows.argmax()]
    return np.tile(_as_logits(probability, task.several), (count, 1))


def _forest(task: BearingTask, learnt: np.ndarray, truth: np.ndarray, seen: np.ndarray) -> np.ndarray:
    classes = len(task.class_names)

    def probabilities(target: np.ndarray, count: int) -> np.ndarray:
        forest = RandomForestClassifier(
            _TREES, random_state=task.config.training.seed, class_weight="balanced", n_jobs=1
        )
        forest.fit(learnt, target)
        given = np.zeros((len(seen), count))
        given[:, forest.classes_.astype(int)] = forest.predict_proba(seen)
        return given

    if task.several:
        given = np.stack([probabilities(truth[:, c] > 0.5, 2)[:, 1] for c in range(classes)], 1)
    else:
        given = probabilities(truth, classes)
    return _as_logits(given, task.several)


def _rule(
    task: BearingTask, windows: WindowSet, numbers: list[int], bearing: RollingBearing | None
) -> np.ndarray | None:
    """Logits N×C: the logarithm of the score of each class's part; of a class without one, that of chance."""
    kinds = kinds_of(task.class_names)
    speeds = [windows.speed(n) for n in numbers]
    if bearing is None or min(speeds) <= 0 or max(kinds) < 0:
        return None
    rule, rate = EnvelopeRule(bearing), task.maker.rate
    healthy = task.several or min(kinds) < 0
    rows = []
    try:
        for number, speed in zip(numbers, speeds, strict=True):
            window = windows.window(number)[None]
            score = np.log(np.maximum(rule.scores(window, rate, speed)[0], 1e-12))
            chance = float(np.log(max(rule.chance(window, rate, speed)[0], 1e-12))) if healthy else 0.0
            if task.several:
                rows.append([score[k] - chance if k >= 0 else -1.0 for k in kinds])
            else:
                rows.append([score[k] if k >= 0 else chance for k in kinds])
    except ValueError:  # the rate is too low for this bearing's frequencies at this speed; the check says so
        return None
    return np.array(rows)
