"""What the jobs on new images share: the model, the stream of images, and threads that write what comes out of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.findings import Finding, listed
from src.core.evaluation import read_threshold
from src.core.inference.model import LoadedModel, PredictionError
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import Sink
from src.core.inference.sources import FileSource, Source
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction.counting import digest_of, plain
from src.core.prediction.folder import ResultsError, writing_failed
from src.core.prediction.images import FoundImages, ImageFile, find_images
from src.core.run.model_source import ModelError, ModelSource, find_model
from src.tasks.segmentation.loaded import load_model

#: Pixels of images that wait to be written; a larger image waits until it is alone.
_MOST_WAITING = 1 << 25


class WorkAtImages:
    """A model and the images of one job.

    Attributes:
        job: The job.
        source, loaded, predictor: Its model.
    """

    def __init__(self, job: Job) -> None:
        """Load the model; raises JobError."""
        config = job.config
        self.job = job
        job.progress(0, 0, "Loading the model")
        try:
            self.source: ModelSource = find_model(config.model, config.checkpoint)
        except ModelError as error:
            raise JobError(str(error), error.cure) from None
        compute = config.compute
        self.loaded: LoadedModel = load_model(
            self.source, compute.device, compute.precision, config.inference.foreign
        )
        self.predictor = Predictor(self.loaded, config.inference, compute, job.note)

    @property
    def binary(self) -> bool:
        """The model tells an object from the background."""
        return self.loaded.out_channels == 1

    def begin(self, images: int) -> None:
        """Say on what the job works."""
        loaded = self.loaded
        self.job.started(model=self.source.name, device=str(loaded.device), precision=loaded.precision.name,
                         items=images, classes=list(loaded.classes))  # fmt: skip

    def model_facts(self) -> dict[str, Any]:
        """Which model it is, for provenance."""
        return {
            "name": self.source.name, "file": str(self.source.path), "sha256": digest_of(self.source.path),
            "run": str(self.source.run.path) if self.source.run else "", "epoch": self.source.epoch,
            "architecture": self.loaded.facts.get("architecture"), "encoder": self.loaded.facts.get("encoder"),
            "precision": self.loaded.precision.name,
        }  # fmt: skip

    def threshold(self, wanted: float | None) -> tuple[float, str]:
        """The threshold of a binary model, and where it comes from."""
        if not self.binary:
            return 0.5, "not used: the most probable class is taken"
        if wanted is not None:
            return wanted, "as set"
        stored = read_threshold(self.source.run.path) if self.source.run is not None else None
        if stored is None:
            return 0.5, "the usual one: no evaluation of this run has found a better one yet"
        if stored.checkpoint not in ("", digest_of(self.source.path)):
            self.job.note(Finding("notice", "threshold.other", "The threshold that this run keeps was found for another of its "
                                  "checkpoints: 0.5 is used.", "Evaluate this checkpoint to find its own."))  # fmt: skip
            return 0.5, "the usual one: the kept threshold belongs to another checkpoint"
        part = {"val": "validation", "test": "test", "train": "training"}.get(stored.part, stored.part)
        how = (
            ""
            if stored.inference in ({}, plain(self.job.config.inference))
            else ", with other options of the prediction"
        )
        return stored.value, f"kept with the run, found on its {part} images{how}"

    def find(self, paths: list[str], known: Iterable[tuple[str, str]] = ()) -> FoundImages:
        """The images of the job; what the search found odd is noted. Raises JobError where there are none."""
        self.job.progress(0, 0, "Looking for images")
        found = find_images(paths, [str(self.job.folder.path)], known)
        for finding in found.findings:
            self.job.note(finding)
        if not found.images:
            first = next((f for f in found.findings if f.severity in ("error", "warning")), None)
            raise JobError(first.message if first else f"There are no images in {listed(paths)}.",
                           (first.cure if first else "") or "Choose images or a folder with images.")  # fmt: skip
        return found

    def stream(
        self,
        images: Iterable[ImageFile],
        sink_for: Callable[[ImageFile, tuple[int, int]], Sink],
        done: Callable[[ImageFile, Any], None],
        failed: Callable[[ImageFile, str], None],
    ) -> bool:
        """Predict images and wait for what their sinks left to be done (a Future).

        Args:
            images: In this order.
            sink_for: Makes the sink of an image.
            done: Told the image and the result, in order, from this thread.
            failed: Told why an image has none.

        Returns:
            Whether it came to the end; False where somebody asked the job to end.
        """
        loaded, of_name = self.loaded, dict[str, ImageFile]()
        waiting: deque[tuple[ImageFile, Any]] = deque()
        asked_for_all = False

        def sources() -> Iterator[Source]:
            nonlocal asked_for_all
            for image in images:
                of_name[image.name] = image
                yield FileSource(image.path, loaded.channels, loaded.intensity_range, image.name)
            asked_for_all = True

        def settle(all_of_them: bool) -> None:
            while waiting and (all_of_them or not isinstance(waiting[0][1], Future) or waiting[0][1].done()):
                image, result = waiting.popleft()
                done(image, result.result() if isinstance(result, Future) else result)

        def sink_of(source: Source, size: tuple[int, int]) -> Sink:
            return sink_for(of_name[source.name], size)

        results = self.predictor.stream(sources(), sink_of, self.job.cancelled)
        try:
            # Closed at once also after an error, whose traceback would keep its threads alive
            with closing(results):  # type: ignore[type-var]
                for source, result in results:
                    image = of_name.pop(source.name)
                    if isinstance(result, Exception):
                        settle(True)
                        failed(image, _reason(result, self.job.folder.path))
                    else:
                        waiting.append((image, result))
                    settle(False)
            settle(True)
        except JobCancelledError:  # of a sink, in the middle of an image
            settle(True)
            return False
        except ResultsError as error:
            raise JobError(str(error), error.cure) from error
        return asked_for_all and not of_name


def _reason(error: Exception, folder: Path) -> str:
    """Why there is no result for an image; what is no fault of the image ends the job."""
    if isinstance(error, UnreadableImageError):
        return f"The image {error.reason}."
    if isinstance(error, PredictionError):
        return str(error)
    if isinstance(error, OSError):
        raise writing_failed(folder, error) from error
    raise error


class Writers:
    """Threads that correct and write masks while the next images are computed; bounded by the pixels that wait."""

    def __init__(self) -> None:
        self._workers = min(4, max(1, (os.cpu_count() or 2) - 1))
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="write")
        self._waiting: deque[tuple[Future[Any], int]] = deque()

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def make_room(self, pixels: int) -> None:
        """Wait until so many pixels fit beside those that wait to be written."""
        while self._waiting and (
            len(self._waiting) >= 4 * self._workers
            or pixels + sum(size for _, size in self._waiting) > _MOST_WAITING
        ):
            future, _ = self._waiting.popleft()
            future.exception()  # whoever holds the future is told

    def submit(self, pixels: int, function: Callable[..., Any], *words: Any) -> Future[Any]:
        """Do this in a thread."""
        future = self._pool.submit(function, *words)
        self._waiting.append((future, pixels))
        return future
