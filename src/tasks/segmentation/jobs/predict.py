"""Masks of new images: the job."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.findings import counted
from src.core.inference.sinks import labels_of
from src.core.inference.sources import FileSource
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction.counting import Counter, note_failure, plain
from src.core.prediction.crf import BlockwiseCrf
from src.core.prediction.folder import ResultsError, writing_failed
from src.core.prediction.images import ImageFile
from src.core.prediction.index import Prediction
from src.core.prediction.pictures import BandedPng
from src.core.prediction.postprocess import Changes, has_background
from src.core.prediction.results import ResultFolder, Wanted, total_changes
from src.core.prediction.tables import write_tables
from src.core.prediction.watching import Watch
from src.tasks.segmentation.jobs.over_images import WorkAtImages, Writers
from src.tasks.segmentation.jobs.predict_config import PredictConfig
from src.tasks.segmentation.jobs.predict_report import write_report
from src.tasks.segmentation.pictures import overlay

_TABLES_EVERY_S = 15.0


class MaskSink:
    """Class numbers and scores of one image, two bytes a pixel; probabilities go to their files band by band."""

    def __init__(
        self,
        size: tuple[int, int],
        threshold: float,
        files: list[BandedPng],
        finish: Callable[[np.ndarray, np.ndarray, float, list[BandedPng], int], Any],
        crf: BlockwiseCrf | None = None,
    ) -> None:
        self._labels, self._score = np.empty(size, np.uint8), np.empty(size, np.uint8)
        self._threshold, self._files, self._finish, self._crf = threshold, files, finish, crf
        self._begun = time.monotonic()

    def band(self, top: int, probabilities: Tensor) -> None:
        """See `Sink.band`."""
        if self._crf is not None:
            for first, labels, score in self._crf.add(probabilities.cpu().numpy()):
                self._labels[first : first + len(labels)] = labels
                self._score[first : first + len(labels)] = _bytes(torch.from_numpy(score))
        else:
            self._take(slice(top, top + probabilities.shape[1]), probabilities)
        for number, file in enumerate(self._files):
            file.write(_bytes(probabilities[number]))

    def _take(self, rows: slice, probabilities: Tensor) -> None:
        labels, score = labels_of(probabilities, self._threshold)
        self._labels[rows] = labels.cpu().numpy()
        self._score[rows] = _bytes(score)

    def end(self) -> Any:
        """See `Sink.end`."""
        refined = self._crf.changed if self._crf is not None else 0
        return self._finish(self._labels, self._score, self._begun, self._files, refined)

    def abandon(self) -> None:
        """Leave no half-written file behind."""
        for file in self._files:
            file.discard()


def _bytes(probability: Tensor) -> np.ndarray:
    """0 to 1 as 0 to 255."""
    return (probability * 255).round_().clamp_(0, 255).to(torch.uint8).cpu().numpy()


class _Prediction:
    """The job at work."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config: PredictConfig = job.config
        self.work = WorkAtImages(job)
        self.threshold, self.threshold_from = self.work.threshold(self.config.threshold)
        self.wanted = self._wanted()
        try:
            self.out = ResultFolder(job.folder.path, self.wanted, self._header())
        except ResultsError as error:
            raise JobError(str(error), error.cure) from error
        self.noted: list[int] = []
        self.explained = False
        self.reused = 0

    def _wanted(self) -> Wanted:
        results, loaded = self.config.results, self.work.loaded
        return Wanted(
            loaded.classes, self.work.binary, self.work.binary or has_background(loaded.classes),
            overlay if results.overlays else None, results.objects, results.objects and results.coco,
            self.config.postprocess, loaded.intensity_range,
        )  # fmt: skip

    def _header(self) -> dict[str, Any]:
        config = self.config
        return {
            "model": self.work.model_facts(), "classes": list(self.work.loaded.classes), "binary": self.work.binary,
            "background": self.wanted.background, "threshold": self.threshold, "threshold_from": self.threshold_from,
            "postprocess": plain(config.postprocess), "results": plain(config.results, "report"),
            "inference": plain(config.inference),
            "intensity_range": self.work.loaded.intensity_range,
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Predict everything; what is complete is kept however it ends."""
        try:
            counter, whole = self._watch() if self.config.watch else self._once()
            return self._ending(counter, whole)
        finally:
            try:
                self.out.close()
            except ResultsError as error:
                raise JobError(str(error), error.cure) from error

    def _once(self) -> tuple[Counter, bool]:
        found = self.work.find(self.config.images, self.out.names)
        todo = [image for image in found.images if not self.out.is_done(image)]
        self.reused = len(found.images) - len(todo)
        self.work.begin(len(todo))
        counter = Counter(self.job, len(todo), "Predicting")
        return counter, self._predict(todo, counter)

    def _watch(self) -> tuple[Counter, bool]:
        self.work.begin(0)
        counter, written = Counter(self.job, 0, "Waiting for images"), (0, time.monotonic())
        watch = Watch(
            self.config.images, [str(self.job.folder.path)], self.out.names, self.config.watch_every
        )

        def idle() -> None:
            nonlocal written
            if counter.done > written[0] and time.monotonic() - written[1] > _TABLES_EVERY_S:
                self._tables()
                written = counter.done, time.monotonic()
            counter.what = "Waiting for images"
            self.job.progress(counter.done, 0, counter.what)

        try:
            for ready in watch.batches(self.job.cancelled, idle, self.job.note):
                todo = [image for image in ready if not self.out.is_done(image)]
                counter.what = "Predicting"
                if todo and not self._predict(todo, counter):
                    break
        except JobCancelledError:
            pass
        return counter, False

    def _predict(self, images: list[ImageFile], counter: Counter) -> bool:
        with counter.running(), Writers() as writers:

            def sink_for(image: ImageFile, size: tuple[int, int]) -> MaskSink:
                pixels = size[0] * size[1]
                if not self.explained:
                    self.explained = True
                    self.job.tell("geometry", words=self.work.predictor.explain(size))
                writers.make_room(pixels)
                files = self.out.probabilities(image, size) if self.config.results.probabilities else []

                def finish(
                    labels: Any, score: Any, begun: float, files: list[BandedPng], refined: int
                ) -> Any:
                    return writers.submit(
                        pixels, self.out.write, image, labels, score, begun, files, None, refined
                    )

                return MaskSink(size, self.threshold, files, finish, self._crf(image, size))

            def done(image: ImageFile, result: Prediction) -> None:
                if result.error:
                    failed(image, result.error, known=True)
                else:
                    counter.one_more()

            def failed(image: ImageFile, reason: str, known: bool = False) -> None:
                if not known:
                    self.out.failed(image, reason)
                note_failure(self.job, image.name, reason, self.noted)
                counter.one_more(image.name)

            return self.work.stream(images, sink_for, done, failed)

    def _crf(self, image: ImageFile, size: tuple[int, int]) -> BlockwiseCrf | None:
        if self.config.postprocess.refine == "none":
            return None
        loaded = self.work.loaded
        pixels = FileSource(image.path, loaded.channels, loaded.intensity_range, image.name)

        def picture(region: tuple[int, int, int, int]) -> np.ndarray:
            if pixels.size != size:
                raise UnreadableImageError(image.path, "changed its size while it was worked on")
            return pixels.read(region)

        channels = 1 if self.work.binary else len(loaded.classes)
        return BlockwiseCrf(size, channels, self.config.postprocess, self.threshold, picture, self.job.go_on)

    def _tables(self) -> None:
        if not self.config.results.objects:
            return
        try:
            write_tables(
                self.out.path,
                self.out.index,
                list(self.wanted.classes),
                self.wanted.background,
                self.wanted.rle,
            )
        except OSError as error:
            failed = writing_failed(self.out.path, error)
            raise JobError(str(failed), failed.cure) from error

    def _ending(self, counter: Counter, whole: bool) -> dict[str, Any]:
        self._tables()
        good = [p for p in self.out.index.values() if not p.error]
        objects = sum(p.objects for p in good)
        changes = total_changes(self.out.index)
        figures = self._figures(counter, len(good), objects)
        said = [*figures, *self._said(counter, changes, whole)]
        page = self._report(said, counter, changes) if self.config.results.report else None
        return {
            "status": "completed" if whole else "stopped", "said": said, "figures": figures,
            "report": str(page) if page else None, "images": len(good), "objects": objects,
            "failed": len(counter.failures), "reused": self.reused,
            "images_per_second": round(counter.per_second, 3), "seconds": round(counter.seconds, 2),
            "removed_objects": changes.objects, "results": str(self.out.path),
        }  # fmt: skip

    def _figures(self, counter: Counter, good: int, objects: int) -> list[str]:
        """What a page that counts images and objects says by itself."""
        predicted = counter.done - len(counter.failures)
        said = [
            f"{counted(predicted, 'image was', 'images were')} predicted, {counter.per_second:.3g} a second."
        ]
        if self.config.results.objects:
            said.append(f"{counted(objects, 'object')} on {counted(good, 'image')} in all.")
        return said

    def _said(self, counter: Counter, changes: Changes, whole: bool) -> list[str]:
        said = []
        if self.reused:
            said.append(f"{counted(self.reused, 'image')} done before and unchanged: not predicted again.")
        said += changes_said(changes)
        if text := counter.failed_sentence():
            said.append(text)
        ragged = sum(any("stretches" in note for note in p.notes) for p in self.out.index.values())
        if ragged:
            said.append(
                f"{counted(ragged, 'mask is', 'masks are')} like noise: no objects could be told apart there."
            )
        if not whole and not self.config.watch:
            left = counter.total - counter.done
            said.append(
                f"It was stopped with {counted(left, 'image')} left. Started again in the same folder, it goes on there."
            )
        if self.config.postprocess.does_nothing or self.wanted.background:
            return said
        if self.config.postprocess.closing or self.config.postprocess.fill_holes:
            said.append("The model has no background class, so there were no gaps or holes to fill.")
        return said

    def _report(self, said: list[str], counter: Counter, changes: Changes) -> Path:
        try:
            return write_report(
                self.out.path, self.out.index, self.wanted.classes, said, counter, changes,
                {"Model": self.work.source.name, "Threshold": f"{self.threshold:g} ({self.threshold_from})",
                 "Device": f"{self.work.loaded.device}, {self.work.loaded.precision.name}"},
            )  # fmt: skip
        except OSError as error:
            failed = writing_failed(self.out.path, error)
            raise JobError(str(failed), failed.cure) from error


def changes_said(changes: Changes) -> list[str]:
    """What the corrections did to the masks, in sentences."""
    said = []
    if changes.objects:
        parts = [f"{changes.too_small} too small"] * bool(changes.too_small)
        parts += [f"{changes.not_largest} not among the largest"] * bool(changes.not_largest)
        said.append(f"{counted(changes.objects, 'object was', 'objects were')} removed by the corrections "
                    f"({', '.join(parts)}; {changes.removed:,} pixels).")  # fmt: skip
    pixels = [
        ("given to another class by the dense CRF", changes.refined),
        ("removed by opening", changes.opened),
        ("added by closing", changes.closed),
        ("filled in holes", changes.filled),
    ]
    if words := [f"{number:,} {what}" for what, number in pixels if number]:
        said.append(f"Pixels changed by the corrections: {', '.join(words)}.")
    return said


def run(job: Job) -> dict[str, Any]:
    """Predict the images of a `PredictConfig` into the folder of the job."""
    return _Prediction(job).run()
