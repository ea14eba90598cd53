"""“Label these next”: the job. Puts unlabelled images in the order in which they are worth a person's time."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from src.core.dataset.findings import Finding, counted, named
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction.counting import Counter, note_failure, plain
from src.core.prediction.datasets import human_labels, labelled_before
from src.core.prediction.folder import ResultsError, writing_failed
from src.core.prediction.images import ImageFile
from src.core.prediction.postprocess import has_background
from src.core.prediction.ranking import novelty, rank
from src.core.run.folder import write_atomically
from src.tasks.segmentation.jobs.features import Kept, features_of, key_of
from src.tasks.segmentation.jobs.over_images import WorkAtImages
from src.tasks.segmentation.jobs.rank_config import RankConfig
from src.tasks.segmentation.jobs.rank_report import explained, table_of, write_documents, write_report

#: Pixels with at least this probability of anything but background are where the model sees something.
SEES = 0.1
#: So many pixels of perfect certainty are added to each region: a region of few pixels counts less.
STEADY_PX = 64


class UncertaintySink:
    """Sums over the pixels where the model sees something; nothing of the size of the image is kept."""

    def __init__(self, size: tuple[int, int], measure: str, background: bool, finish: Any) -> None:
        self._pixels, self._measure, self._background = size[0] * size[1], measure, background
        self._total: Tensor | None = None
        self._finish = finish

    def band(self, top: int, probabilities: Tensor) -> None:
        """See `Sink.band`."""
        sums = torch.stack(unsure(probabilities, self._measure, self._background))
        self._total = sums if self._total is None else self._total + sums

    def end(self) -> dict[str, float]:
        """See `Sink.end`."""
        total, seen = (float(v) for v in self._total.tolist()) if self._total is not None else (0.0, 0.0)
        value: dict[str, float] = {"uncertainty": total / (seen + STEADY_PX), "seen": seen / self._pixels}
        return self._finish(value)  # type: ignore[no-any-return]


def unsure(probabilities: Tensor, measure: str, background: bool) -> list[Tensor]:
    """Sum of the uncertainty (0 to 1 a pixel) where the model sees something, and the number of these pixels.

    Args:
        probabilities: K×h×W; K of 1 is the probability of the object.
        measure: ``entropy`` (divided by that of equal probabilities) or ``margin`` (1 less the lead of the first class).
        background: Class 0 is background; else the model sees something everywhere.
    """
    if probabilities.shape[0] == 1:
        probabilities = torch.cat([1 - probabilities, probabilities])
    sees = (
        (1 - probabilities[0]) >= SEES if background else torch.ones_like(probabilities[0], dtype=torch.bool)
    )
    if measure == "entropy":
        value = torch.special.entr(probabilities).sum(0) / math.log(probabilities.shape[0])
    else:
        first, second = probabilities.topk(2, dim=0).values
        value = 1 - (first - second)
    return [(value * sees).sum(dtype=torch.float64), sees.sum().to(torch.float64)]


class _Rank:
    """The job at work."""

    def __init__(self, job: Job) -> None:
        self.job, self.folder = job, job.folder.path
        self.config: RankConfig = job.config
        self.work = WorkAtImages(job)
        self.background = self.work.binary or has_background(self.work.loaded.classes)
        self.header = {
            "version": 1, "model": self.work.model_facts(), "measure": self.config.measure,
            "inference": plain(self.config.inference),
        }  # fmt: skip
        self.noted: list[int] = []
        self.said: list[str] = []
        self._same_as_before()
        self.features = Kept(self.folder / "features.jsonl")
        self.scores = Kept(self.folder / "uncertainty.jsonl")

    def _same_as_before(self) -> None:
        place = self.folder / "settings.json"
        header = json.loads(json.dumps(self.header))
        if place.exists() and self.job.folder.read_json(place) != header:
            raise JobError(f"{self.folder} holds a ranking with other settings: they are not mixed or overwritten.",
                           "Choose another folder, or leave it empty for a new one.")  # fmt: skip
        write_atomically(place, json.dumps(header, ensure_ascii=False, indent=1).encode())

    def run(self) -> dict[str, Any]:
        """Measure everything, then put it in order; stopped before that, what was measured is kept."""
        images = self._unlabelled(self.work.find(self.config.images).images)
        self.work.begin(len(images))
        counter = Counter(self.job, len(images), "Asking the model")
        try:
            known = self._known()
            rows, bad = features_of(
                self.work.loaded,
                images,
                self.features,
                self._tell("Looking at the images"),
                self.job.cancelled,
            )
            whole = self._uncertainty([i for i in images if i.name not in bad], counter)
        finally:
            self.features.close()
            self.scores.close()
        if not whole:
            raise JobCancelledError
        for name, reason in bad.items():
            note_failure(self.job, name, reason, self.noted)
        good = [i for i in images if i.name in rows and key_of(i) in self.scores.values]
        if not good:
            raise JobError("None of the images could be read.", "Choose other images.")
        return self._ending(good, np.stack([rows[i.name] for i in good]), known, len(images) - len(good))

    def _unlabelled(self, images: list[ImageFile]) -> list[ImageFile]:
        """Without (copies of) the images of the model's run: they have their labels."""
        run = self.work.source.run
        human = human_labels(run.read_json(run.dataset / "description.json")) if run else []
        self.job.progress(0, 0, "Comparing with the labelled images")
        known = labelled_before((image.path for image in images), human)
        if not known:
            return images
        text = f"{counted(len(known), 'image')} with labels by people already: left out."
        self.said.append(text)
        names = named(image.name for image in images if image.path in known)
        self.job.note(Finding("notice", "rank.known", text, "", names))
        if len(known) == len(images):
            raise JobError("All these images have labels already: the model's run knows them.",
                           "Choose images that nobody has labelled yet.")  # fmt: skip
        return [image for image in images if image.path not in known]

    def _tell(self, what: str) -> Any:
        return lambda done, total: self.job.progress(done, total, what)

    def _known(self) -> np.ndarray | None:
        """Features of training images; None where there are none to compare with, which is noted."""
        run = self.work.source.run
        if not self.config.novelty:
            return None
        samples = (
            ((run.read_json(run.dataset / "description.json").get("samples") or {}).get("train") or [])
            if run
            else []
        )
        paths = [str(s.get("image", "")) for s in samples if isinstance(s, dict)]
        if len(paths) > self.config.references:
            paths = [paths[i] for i in np.linspace(0, len(paths) - 1, self.config.references).astype(int)]
        there = []
        for path in paths:
            try:
                stat = Path(path).stat()
                there.append(ImageFile(path, path, stat.st_size, stat.st_mtime_ns))
            except OSError:
                continue
        rows, _ = features_of(
            self.work.loaded,
            there,
            self.features,
            self._tell("Looking at the training images"),
            self.job.cancelled,
        )
        if not rows:
            text = "The training images of this model are not known or gone: novelty cannot be measured and does not count."
            cure = "Bring them back to their place, then rank again."
            self.job.note(Finding("warning", "rank.no_training_images", text, cure))
            return None
        if len(rows) < len(paths):
            gone = counted(len(paths) - len(rows), "training image is", "training images are")
            text = f"{gone} gone: novelty compares with the other {len(rows)}."
            self.job.note(Finding("warning", "rank.training_images_gone", text))
        return np.stack(list(rows.values()))

    def _uncertainty(self, images: list[ImageFile], counter: Counter) -> bool:
        todo = [i for i in images if key_of(i) not in self.scores.values]
        counter.total = len(todo)

        def sink_for(image: ImageFile, size: tuple[int, int]) -> UncertaintySink:
            def finish(value: dict[str, float]) -> dict[str, float]:
                self.scores.keep(image, value)
                return value

            return UncertaintySink(size, self.config.measure, self.background, finish)

        def failed(image: ImageFile, reason: str) -> None:
            note_failure(self.job, image.name, reason, self.noted)
            counter.one_more(image.name)

        return self.work.stream(todo, sink_for, lambda _image, _value: counter.one_more(), failed)

    def _ending(
        self, images: list[ImageFile], rows: np.ndarray, known: np.ndarray | None, bad: int
    ) -> dict[str, Any]:
        self.job.progress(0, 0, "Putting in order")
        config = self.config
        scores = [self.scores.values[key_of(i)] for i in images]
        uncertainty = np.array([float(s["uncertainty"]) for s in scores])
        new = novelty(rows, known, config.neighbours) if known is not None else None
        order = rank(uncertainty, new, rows, config.novelty, config.diversity, max(config.count, 200))
        table = table_of(images, order, scores, new)
        suggested = table[: config.count]
        said = [
            f"{counted(len(images), 'image was', 'images were')} ranked; {len(suggested)} suggested for labelling.",
            *self.said,
        ]
        copies = int(order.copies.sum()) if config.diversity else 0
        if copies:
            which = counted(copies, "image is", "images are")
            said.append(f"{which} (nearly) a copy of one that is ranked before: at the end of the list.")
        if config.novelty and new is None:
            said.append(
                "Novelty could not be measured, as there are no training images: the order is by uncertainty alone."
            )
        if bad:
            said.append(f"{counted(bad, 'image')} could not be read.")
        about = explained(config.measure, SEES, config.neighbours, 0 if known is None else len(known))
        settings = {"Model": self.work.source.name, "Uncertainty": config.measure, "Weight of novelty": config.novelty,
                    "Diversity": config.diversity}  # fmt: skip
        write_documents(
            self.folder, {**self.header, "diversity": config.diversity}, table, config.count, about
        )
        page = write_report(self.folder, suggested, said, about, settings)
        return {"status": "completed", "said": said, "report": str(page), "images": len(images), "failed": bad,
                "suggested": [row["image"] for row in suggested[:100]], "results": str(self.folder)}  # fmt: skip


def run(job: Job) -> dict[str, Any]:
    """Rank the images of a `RankConfig`."""
    try:
        return _Rank(job).run()
    except JobCancelledError:
        said = [
            "It was stopped before there was an order. Started again in the same folder, it goes on there."
        ]
        return {"status": "stopped", "said": said, "results": str(job.folder.path)}
    except ResultsError as error:
        raise JobError(str(error), error.cure) from error
    except OSError as error:
        failed = writing_failed(job.folder.path, error)
        raise JobError(str(failed), failed.cure) from error
