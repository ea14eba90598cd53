"""How well a classifier of signals answers, of each window and of each recording.

Definitions are those of scikit-learn, with which the tests compare them; classes that do not occur in the truth are left
out of means over classes, as ``balanced_accuracy_score`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts C×C, rows the truth, of class numbers N."""
    flat = np.asarray(truth, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def _ratio(part: np.ndarray, whole: np.ndarray, nothing: float) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), nothing)


def class_values(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """``recall``, ``precision``, ``f1`` and ``support`` of each class, from a confusion matrix.

    NaN for the recall of a class that does not occur; for its precision and F1 where it was not predicted either.
    """
    hit, true, said = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    absent = np.where(true > 0, 0.0, np.nan)
    return {
        "recall": _ratio(hit, true, np.nan),
        "precision": np.where(said > 0, _ratio(hit, said, 0.0), absent),
        "f1": _ratio(2 * hit, true + said, np.nan),
        "support": true.astype(np.int64),
    }


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean recall of the classes that occur."""
    return _mean(class_values(matrix)["recall"])


def macro_f1(matrix: np.ndarray) -> float:
    """Mean F1 of the classes that occur or were predicted."""
    return _mean(class_values(matrix)["f1"])


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the receiver operating characteristic: the chance that a positive scores higher than a negative.

    Args:
        truth: Bool N.
        score: N; equal scores count half.

    Returns:
        NaN where there are no positives or no negatives.
    """
    truth = np.asarray(truth, bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2  # the mean rank of equal scores
    return float((rank[place][truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def top_k(truth: np.ndarray, scores: np.ndarray, k: int) -> float:
    """Share of the samples whose class is among the k best; of equal scores the higher class number is the better one."""
    best = np.argsort(scores, axis=1, kind="stable")[:, -k:]
    return float((best == np.asarray(truth)[:, None]).any(1).mean())


def by_recording(scores: np.ndarray, recording: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean scores of the windows of each recording.

    Args:
        scores: N×C, probabilities.
        recording: Number of each window's recording, N.

    Returns:
        Scores R×C, and for each of the R recordings, in the order of their numbers, the place of its first window.
    """
    _, first, member = np.unique(recording, return_index=True, return_inverse=True)
    total = np.zeros((len(first), scores.shape[1]))
    np.add.at(total, member, scores)
    return total / np.bincount(member)[:, None], first


def exclusive_values(
    truth: np.ndarray, scores: np.ndarray
) -> tuple[dict[str, float], dict[str, np.ndarray], np.ndarray]:
    """All values of classes that exclude each other.

    Args:
        truth: Class numbers N.
        scores: Probabilities N×C.

    Returns:
        Values by name (``balanced_accuracy``, ``macro_f1``, ``accuracy``, ``auroc`` as the mean of each class against the
        rest, and ``top2`` where there are more than two classes), values of each class by name, confusion matrix.
    """
    classes = scores.shape[1]
    matrix = confusion_matrix(truth, scores.argmax(1), classes)
    per_class = class_values(matrix)
    per_class["auroc"] = np.array([auroc(truth == c, scores[:, c]) for c in range(classes)])
    values = {
        "balanced_accuracy": balanced_accuracy(matrix),
        "macro_f1": macro_f1(matrix),
        "accuracy": float(np.trace(matrix) / max(1, matrix.sum())),
        "auroc": _mean(per_class["auroc"]),
    }
    if classes > 2:
        values["top2"] = top_k(truth, scores, 2)
    return values, per_class, matrix


def multi_label_values(
    truth: np.ndarray, scores: np.ndarray
) -> tuple[dict[str, float], dict[str, np.ndarray], np.ndarray]:
    """All values of classes of which several may hold; each is asked by itself, at a probability of one half.

    Args:
        truth: 0 or 1, N×C.
        scores: Probabilities N×C.

    Returns:
        Values by name (the balanced accuracy is the mean over the classes of that of each; ``accuracy`` is the share of the
        samples with no class wrong), values of each class by name, confusion matrices C×2×2.
    """
    truth, said = np.asarray(truth) > 0.5, scores > 0.5
    matrices = np.stack([confusion_matrix(truth[:, c], said[:, c], 2) for c in range(scores.shape[1])])
    each = [class_values(m) for m in matrices]
    per_class = {
        name: np.array([v[name][1] for v in each]) for name in ("recall", "precision", "f1", "support")
    }
    per_class["auroc"] = np.array([auroc(truth[:, c], scores[:, c]) for c in range(scores.shape[1])])
    values = {
        "balanced_accuracy": _mean(np.array([balanced_accuracy(m) for m in matrices])),
        "macro_f1": _mean(per_class["f1"]),
        "accuracy": float((truth == said).all(1).mean()) if len(truth) else float("nan"),
        "auroc": _mean(per_class["auroc"]),
    }
    return values, per_class, matrices


class SignalMetrics:
    """Accumulates logits on the device and measures windows and recordings in `summary`.

    Attributes:
        matrix: Confusion of the windows; ``recording_matrix`` of the recordings; both known after `summary`.
    """

    def __init__(self, class_names: Sequence[str], multi_label: bool = False) -> None:
        self._names, self._multi_label = list(class_names), multi_label
        self._scores: list[Tensor] = []
        self._truth: list[Tensor] = []
        self._recording: list[Tensor] = []
        self._branches: dict[str, list[Tensor]] = {}
        self.matrix: np.ndarray | None = None
        self.recording_matrix: np.ndarray | None = None

    def add(
        self, logits: Tensor, target: Tensor, recording: Tensor, branches: dict[str, Tensor] | None = None
    ) -> None:
        """Add a batch: logits N×C, int N or 0/1 N×C, number of each window's recording N, logits of each branch."""
        self._scores.append(logits.detach().float())
        self._truth.append(target.detach())
        self._recording.append(recording.detach())
        for name, values in (branches or {}).items():
            self._branches.setdefault(name, []).append(values.detach().float())

    def state(self) -> dict[str, Any]:
        """All that was added, as arrays."""
        columns = {"scores": self._scores, "truth": self._truth, "recording": self._recording}
        found: dict[str, Any] = {k: torch.cat(v).cpu().numpy() for k, v in columns.items() if v}
        return found | {"branches": {k: torch.cat(v).cpu().numpy() for k, v in self._branches.items()}}

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another device's `state` holds."""
        if "scores" not in state:
            return
        branches = {name: torch.from_numpy(values) for name, values in state["branches"].items()}
        scores, truth, recording = (torch.from_numpy(state[k]) for k in ("scores", "truth", "recording"))
        self.add(scores, truth, recording, branches)

    def _probabilities(self, logits: list[Tensor]) -> np.ndarray:
        joined = torch.cat(logits).double()
        return (joined.sigmoid() if self._multi_label else joined.softmax(1)).cpu().numpy()

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Values by name, those of whole recordings as ``recording_…`` and of branches as ``branch_<name>``; by class."""
        if not self._scores:
            return {}, {}
        scores, truth = self._probabilities(self._scores), torch.cat(self._truth).cpu().numpy()
        recording = torch.cat(self._recording).cpu().numpy()
        measure = multi_label_values if self._multi_label else exclusive_values
        values, per_class, self.matrix = measure(truth, scores)
        whole, first = by_recording(scores, recording)
        of_recordings, _, self.recording_matrix = measure(truth[first], whole)
        values |= {f"recording_{name}": value for name, value in of_recordings.items()}
        for name, logits in self._branches.items():
            values[f"branch_{name}"] = measure(truth, self._probabilities(logits))[0]["balanced_accuracy"]
        table = {
            name: {key: column[c].item() for key, column in per_class.items() if np.isfinite(column[c])}
            for c, name in enumerate(self._names)
        }
        return values, table
