"""The comparison of an exported segmentation model with its original, on images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from src.core.dataset.findings import Finding
from src.core.dataset.masks import IGNORE_INDEX
from src.core.exporting.onnx_runner import seconds_of
from src.core.exporting.parity import Comparison, Limits, latency, limits_for
from src.core.job import Job, JobCancelledError, JobError
from src.core.report.text import count
from src.tasks.segmentation.jobs.export_config import ExportConfig
from src.tasks.segmentation.jobs.export_graph import Original
from src.tasks.segmentation.jobs.export_images import Images, Piece

#: ``(height, width)`` of images below the stride of most networks, and the smallest there is.
_SMALL = ((17, 20), (1, 1))

Run = Callable[[np.ndarray], np.ndarray]
Timed = Callable[[np.ndarray, int], list[float]]


@dataclass
class Checked:
    """What was found.

    Attributes:
        comparison: At the size of the export.
        limits: What it may differ by.
        iou: ``original`` and ``export`` against the truth, pooled; empty without masks.
        other_sizes: For each other size what was found there.
        size_objections: Why it may not be used at other sizes.
        objections: Why it may not be used at all.
        times: ``original`` and ``export``, see `latency`; ``threads``.
        runtime: What ran it.
    """

    comparison: Comparison
    limits: Limits
    iou: dict[str, float] = field(default_factory=dict)
    other_sizes: list[dict[str, Any]] = field(default_factory=list)
    size_objections: list[str] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)
    times: dict[str, Any] = field(default_factory=dict)
    runtime: dict[str, Any] = field(default_factory=dict)

    @property
    def iou_lost(self) -> float | None:
        """IoU that the original has more; negative where the export is better; None without masks."""
        return self.iou["original"] - self.iou["export"] if self.iou else None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        limits = {"largest_difference": self.limits.largest, "share_of_pixels": self.limits.share,
                  "iou_lost": self.limits.iou_lost}  # fmt: skip
        runtime = {k: v for k, v in self.runtime.items() if k != "metadata"}
        return {
            "agrees": not self.objections, "objections": self.objections, "limits": limits,
            **self.comparison.to_dict(), "iou": self.iou or None, "iou_lost": self.iou_lost,
            "other_sizes": self.other_sizes, "latency": self.times, "runtime": runtime,
        }  # fmt: skip

    def sentences(self) -> list[str]:
        """The result in words."""
        c = self.comparison
        said = [
            f"Compared on {count(c.images, 'image')}: {c.differing} of {c.pixels} pixels ({c.share:.3%}) have another class."
        ]
        if c.probabilities:
            said.append(f"The largest difference of a probability is {c.largest:.2g}.")
        if self.iou:
            said.append(
                f"IoU against the true masks: {self.iou['original']:.4f} before, {self.iou['export']:.4f} after."
            )
        before, after = self.times["original"]["median_ms"], self.times["export"]["median_ms"]
        said.append(
            f"Time for one image: {before:.1f} ms before, {after:.1f} ms after (CPU, {count(self.times['threads'], 'thread')})."
        )
        return said


class Check:
    """Runs original and export over the same images."""

    def __init__(
        self,
        job: Job,
        original: Original,
        images: Images,
        run: Run,
        config: ExportConfig,
        size: tuple[int, int],
    ) -> None:
        self.job, self.original, self.images, self.run = job, original, images, run
        self.config, self.size = config, size
        self.inside = config.normalisation == "inside"
        self._confusion = np.zeros(
            (2, original.loaded.meaning.num_classes, original.loaded.meaning.num_classes), np.int64
        )

    def all(self, dynamic: bool, timed: Timed | None, threads: int, about: dict[str, Any]) -> Checked:
        """Compare, also at other sizes where ``dynamic``, and measure times; ``timed`` is the runtime's own clock.

        Raises:
            JobError: No image can be read.
            ExportError, OnnxRunError: The export fails at its own size.
        """
        config = self.config
        limits = limits_for(config.precision, config.tolerance / 100 if config.tolerance else None)
        comparison, first = Comparison(), None
        samples = self.images.checked
        for done, piece in enumerate(self.images.pieces(samples, config.check_images)):
            self.job.progress(done, min(config.check_images, len(samples)), "Comparing with the original")
            if first is None:
                first = piece
            elif comparison.images == 0:  # the first two at once: the number of images is free
                self._compare(Piece(piece.name, np.concatenate([first.image, piece.image]), None), comparison)
            else:
                self._compare(piece, comparison)
            self._score(piece)
        if first is None:
            raise JobError(
                "None of the images to compare on can be read.", "Repair the files, or move them away."
            )
        if comparison.images == 0:
            self._compare(first, comparison)
        checked = Checked(comparison, limits, self._iou(), runtime=about)
        if dynamic:
            self._other_sizes(first, checked)
        checked.objections = comparison.objections(limits, checked.iou_lost)
        checked.times = self._times(first.image, timed, threads)
        return checked

    def _compare(self, piece: Piece, into: Comparison) -> None:
        expected = self.original.probabilities(piece.image)
        classes, found = self._read(piece.image)
        into.add(piece.name, self.original.classes(expected), classes, expected, found)

    def _read(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return self.original.read(self.run(self.original.fed(image, self.inside)), self.config.output)

    def _score(self, piece: Piece) -> None:
        """Count the pixels of both against the truth."""
        if piece.mask is None:
            return
        known = piece.mask != IGNORE_INDEX
        number = self._confusion.shape[1]
        both = (self.original.classes(self.original.probabilities(piece.image)), self._read(piece.image)[0])
        for matrix, classes in zip(self._confusion, both, strict=True):
            cells = piece.mask[known].astype(np.int64) * number + classes[0][known]
            matrix += np.bincount(cells, minlength=number * number).reshape(number, number)

    def _iou(self) -> dict[str, float]:
        """Of the object, or the mean over the classes that occur; pooled over all pixels."""
        if not self._confusion.any():
            return {}
        values = []
        for matrix in self._confusion:
            hits = np.diag(matrix)
            union = matrix.sum(0) + matrix.sum(1) - hits
            start = 1 if self.original.binary else 0
            present = union[start:] > 0
            if not present.any():  # nothing there and nothing found, by both: equal
                values.append(1.0)
                continue
            values.append(float((hits[start:][present] / union[start:][present]).mean()))
        return {"original": values[0], "export": values[1]}

    def _other_sizes(self, piece: Piece, checked: Checked) -> None:
        """Pieces of an image, and more than it: sizes that are no multiples of anything, and a very small one."""
        high, wide = self.size
        odd = ((max(1, high - 13), wide + 27), (high * 2 + 1, max(1, wide // 2 + 3)))
        for height, width in (*odd, *_SMALL):
            image = np.pad(
                piece.image,
                ((0, 0), (0, 0), (0, max(0, height - high)), (0, max(0, width - wide))),
                mode="symmetric",
            )[..., :height, :width].copy()
            name, one = f"{width}×{height} pixels", Comparison()
            try:
                self._compare(Piece(name, image, None), one)
            except (JobError, JobCancelledError):
                raise
            except Exception as error:  # what a runtime raises for a size that it cannot take
                said = str(error).splitlines()[0]
                if (
                    height,
                    width,
                ) in _SMALL:  # nobody's images: said, and no reason to give up all other sizes
                    checked.other_sizes.append({"height": height, "width": width, "fails": said})
                    self.job.note(
                        Finding(
                            "notice", "export.small", f"The export does not take images of {name}: {said}"
                        )
                    )
                    continue
                checked.size_objections.append(f"at {name} it fails: {said}")
                return
            checked.other_sizes.append({"height": height, "width": width, **one.to_dict()})
            # What the precision costs is judged at the export's own size; here, whether the size makes a difference:
            # a graph that is fixed to a size is wrong by far more than 16 bits are. 8 bits need only run.
            if self.config.precision != "int8" and (
                wrong := one.objections(Limits(checked.limits.largest, 1.0, 1.0))
            ):
                checked.size_objections.append(f"at {name} it disagrees with the original: {wrong[0]}")
                return

    def _times(self, image: np.ndarray, timed: Timed | None, threads: int) -> dict[str, Any]:
        runs, before = self.config.latency_runs, torch.get_num_threads()
        self.job.progress(0, 0, "Measuring times")
        torch.set_num_threads(threads)
        try:
            fed = self.original.fed(image, self.inside)
            original = seconds_of(lambda: self.original.probabilities(image), runs)
            export = timed(fed, runs) if timed is not None else seconds_of(lambda: self.run(fed), runs)
        finally:
            torch.set_num_threads(before)
        return {"original": latency(original), "export": latency(export), "threads": threads, "device": "CPU",
                "height": self.size[0], "width": self.size[1]}  # fmt: skip
