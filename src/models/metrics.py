"""Metrics of segmentation, on logits or on labels, from numpy arrays or tensors.

**What a prediction is.** Floats with a channel dimension, N×C×H×W (C = 1: binary), are logits; integers and
booleans, N×H×W or N×1×H×W, are labels. `from_logits` says it outright: True also takes floats N×H×W as
binary logits; False takes floats as probabilities or labels (the argmax over channels, or, for one,
whatever exceeds `threshold`). Targets are H×W, N×H×W or N×1×H×W. `threshold` is a probability.

**What is counted.** `num_classes=1` is a binary problem, judged by its foreground; two or more, the mean
over classes. Where None is given, the channels of the logits tell; labels without it are binary. Pixels
whose target is `ignore_index` count nowhere.

**Degenerate cases.** Binary: nothing there and nothing predicted scores 1, nothing there but something
predicted 0. Multi-class: a class that neither is there nor was predicted is left out of the mean over
classes, and is nan by itself; one that was predicted though it is not there counts as 0. Without a valid
pixel all is nan, and left out of means over images.

**The primary metric** is, of all pixels of a data set together, the IoU of the foreground (binary), or the
mean over classes of the IoU (multi-class; "mean IoU"): `summary["primary"]`, the same as
`summary["iou"]["pooled"]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from src.models.confusion import (
    SCORES,
    as_tensor,
    class_scores,
    count,
    overall_scores,
    predicted_labels,
    with_batch,
)

__all__ = [
    "SCORES",
    "MetricsTracker",
    "PrecisionRecallF1",
    "compute_all_metrics",
    "compute_dice",
    "compute_iou",
    "compute_pixel_accuracy",
    "compute_precision_recall_f1",
]


class PrecisionRecallF1(NamedTuple):
    """Fractions between 0 and 1, or nan."""

    precision: float
    recall: float
    f1: float


def _count(
    prediction: Any,
    target: Any,
    from_logits: bool | None,
    threshold: float,
    num_classes: int | None,
    ignore_index: int | None,
) -> tuple[Tensor, Tensor, int]:
    """Confusion matrices N×K×K, the number of pixels of no class, and the number of classes."""
    truth = with_batch(as_tensor(target))
    values = as_tensor(prediction).to(truth.device)
    labels, channels = predicted_labels(values, truth, from_logits, threshold, num_classes)
    if num_classes is not None and channels is not None and channels != num_classes:
        raise ValueError(f"The prediction has {channels} channels where num_classes is {num_classes}.")
    classes = num_classes or channels or 1
    matrices, outside = count(labels, truth, classes, ignore_index, threshold)
    return matrices, outside, classes


def _refuse_outside(outside: int, classes: int, ignore_index: int | None) -> None:
    if outside:
        raise ValueError(
            f"{outside} pixels of targets or labels are not one of the {max(classes, 2)} classes 0 to"
            f" {max(classes, 2) - 1} (ignore_index is {ignore_index}): correct num_classes or ignore_index."
        )


def _pooled(prediction: Any, target: Any, **options: Any) -> tuple[Tensor, int]:
    matrices, outside, classes = _count(prediction, target, **options)
    _refuse_outside(int(outside), classes, options["ignore_index"])
    return matrices.sum(0).cpu().double(), classes


def _by_class(values: Tensor, classes: int) -> list[float]:
    return [float(value) for value in (values[1:] if classes == 1 else values)]


def compute_iou(
    prediction: Any,
    target: Any,
    *,
    from_logits: bool | None = None,
    threshold: float = 0.5,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    per_class: bool = False,
) -> float | list[float]:
    """Intersection over union of all pixels of the batch together.

    The foreground's (binary) or the mean over classes; with `per_class` a list with each class (binary: the
    foreground). Raises ValueError for shapes that do not fit and for values that are no class.
    """
    options = {"from_logits": from_logits, "threshold": threshold, "num_classes": num_classes}
    matrix, classes = _pooled(prediction, target, ignore_index=ignore_index, **options)
    if per_class:
        return _by_class(class_scores(matrix).iou, classes)
    return float(overall_scores(matrix, classes == 1)[0])


def compute_dice(
    prediction: Any,
    target: Any,
    *,
    from_logits: bool | None = None,
    threshold: float = 0.5,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    per_class: bool = False,
) -> float | list[float]:
    """Dice coefficient of all pixels of the batch together; the arguments are those of `compute_iou`."""
    options = {"from_logits": from_logits, "threshold": threshold, "num_classes": num_classes}
    matrix, classes = _pooled(prediction, target, ignore_index=ignore_index, **options)
    if per_class:
        return _by_class(class_scores(matrix).dice, classes)
    return float(overall_scores(matrix, classes == 1)[1])


def compute_pixel_accuracy(prediction: Any, target: Any, **options: Any) -> float:
    """The fraction of valid pixels whose class is right; `options` are those of `compute_all_metrics`."""
    return compute_all_metrics(prediction, target, **options)["accuracy"]


def compute_precision_recall_f1(prediction: Any, target: Any, **options: Any) -> PrecisionRecallF1:
    """Precision, recall and F1 of all pixels of the batch; `options` are those of `compute_all_metrics`.

    Over several classes each is the mean over classes (macro).
    """
    scores = compute_all_metrics(prediction, target, **options)
    return PrecisionRecallF1(scores["precision"], scores["recall"], scores["f1"])


def compute_all_metrics(
    prediction: Any,
    target: Any,
    *,
    from_logits: bool | None = None,
    threshold: float = 0.5,
    num_classes: int | None = None,
    ignore_index: int | None = None,
) -> dict[str, float]:
    """`iou`, `dice`, `accuracy`, `precision`, `recall` and `f1` of all pixels of the batch together.

    Raises ValueError for shapes that do not fit and for values that are no class.
    """
    options = {"from_logits": from_logits, "threshold": threshold, "num_classes": num_classes}
    matrix, classes = _pooled(prediction, target, ignore_index=ignore_index, **options)
    return dict(zip(SCORES, overall_scores(matrix, classes == 1).tolist(), strict=True))


class MetricsTracker:
    """Collects the metrics of a data set batch by batch, on the device, and reads them back once.

    Attributes: `num_classes`, `threshold`, `ignore_index`, `class_names`.
    """

    def __init__(
        self,
        num_classes: int = 1,
        threshold: float = 0.5,
        ignore_index: int | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """`num_classes=1` is binary, named (background, foreground). Raises ValueError for names that do
        not fit."""
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1, not {num_classes}.")
        size = max(num_classes, 2)
        default = ["background", "foreground"] if num_classes == 1 else [f"class {i}" for i in range(size)]
        names = list(class_names or default)
        if num_classes == 1 and len(names) == 1:
            names = ["background", names[0]]
        if len(names) != size or len(set(names)) != size:
            raise ValueError(f"{size} different class names are needed, not {names}.")
        self.num_classes, self.threshold, self.ignore_index = num_classes, threshold, ignore_index
        self.class_names = names
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        size = max(self.num_classes, 2)
        self._matrix: Tensor = torch.zeros(size, size, dtype=torch.int64)
        self._outside: Tensor = torch.zeros((), dtype=torch.int64)
        self._images: list[Tensor] = []

    def update(self, prediction: Any, target: Any, from_logits: bool | None = None) -> None:
        """Add a batch; see the module for what is taken. Does not wait for the device.

        Raises ValueError for shapes that do not fit. Values that are no class are reported by
        `get_summary`, since to find them now would mean to wait.
        """
        matrices, outside, _ = _count(
            prediction, target, from_logits, self.threshold, self.num_classes, self.ignore_index
        )
        device = matrices.device
        self._matrix = self._matrix.to(device, non_blocking=True) + matrices.sum(0)
        self._outside = self._outside.to(device, non_blocking=True) + outside
        precise = torch.float32 if device.type == "mps" else torch.float64
        self._images.append(overall_scores(matrices.to(precise), self.num_classes == 1))

    def _image_scores(self) -> Tensor:
        """Scores N×6 of all images, on the CPU."""
        self._images = [torch.cat([scores.cpu().double() for scores in self._images])] if self._images else []
        return self._images[0] if self._images else torch.empty(0, len(SCORES), dtype=torch.float64)

    def get_summary(self) -> dict[str, Any]:
        """What has been collected; this waits for the device.

        For each of `SCORES` a mapping: `mean` and `std` (population) over the images that have a valid
        pixel, `pooled` over all pixels together, and `per_class`, pooled by name of class (`accuracy` there
        is of the class against the rest). Beside them `primary`, `mean_iou` (several classes only),
        `images`, and `confusion`, K×K counts, true class by row. Raises ValueError where a target or a
        label was no class.
        """
        _refuse_outside(int(self._outside), self.num_classes, self.ignore_index)
        matrix = self._matrix.cpu()
        pooled = overall_scores(matrix.double(), self.num_classes == 1).tolist()
        by_class = class_scores(matrix.double())
        columns = {**by_class._asdict(), "accuracy": by_class.one_vs_rest, "f1": by_class.dice}
        images = self._image_scores()
        present = images[~torch.isnan(images[:, SCORES.index("accuracy")])]
        summary: dict[str, Any] = {}
        for i, name in enumerate(SCORES):
            values = columns[name].tolist()
            if self.num_classes == 1:
                values[1] = pooled[i] if name != "accuracy" else values[1]
            summary[name] = {
                "mean": float(present[:, i].mean()),
                "std": float(present[:, i].std(correction=0)) if len(present) else float("nan"),
                "pooled": pooled[i],
                "per_class": dict(zip(self.class_names, values, strict=True)),
            }
        if self.num_classes > 1:
            summary["mean_iou"] = pooled[0]
        return {**summary, "primary": pooled[0], "images": len(images), "confusion": matrix.tolist()}

    def state_dict(self) -> dict[str, Any]:
        """All that has been collected as plain numbers, fit for JSON (None for nan); this waits for the
        device."""
        images = [[None if x != x else x for x in row] for row in self._image_scores().tolist()]
        return {
            "num_classes": self.num_classes,
            "confusion": self._matrix.tolist(),
            "outside": int(self._outside),
            "images": images,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave, exactly. Raises ValueError for another number of classes."""
        self.reset()
        self.merge(state)

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another tracker's `state_dict` holds: another rank's share of the same data set.

        Raises ValueError for another number of classes.
        """
        if state["num_classes"] != self.num_classes:
            raise ValueError(f"The state is of {state['num_classes']} classes, not {self.num_classes}.")
        self._matrix = self._matrix + torch.tensor(state["confusion"], dtype=torch.int64).to(
            self._matrix.device
        )
        self._outside = self._outside + int(state["outside"])
        if state["images"]:
            rows = [[float("nan") if x is None else x for x in row] for row in state["images"]]
            self._images.append(torch.tensor(rows, dtype=torch.float64))
