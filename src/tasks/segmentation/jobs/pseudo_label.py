"""Pseudo-labels: the job. Labels where the model is sure, kept apart from those of people."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from src.core.dataset.findings import Finding, counted, named
from src.core.dataset.formats.writing import ImportFailedError
from src.core.dataset.masks import IGNORE_INDEX
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction.counting import Counter, note_failure, plain
from src.core.prediction.datasets import (
    Labelled,
    free_folder,
    human_labels,
    make_dataset,
    without_held_out,
)
from src.core.prediction.folder import ResultsError
from src.core.prediction.images import ImageFile
from src.core.prediction.index import Prediction
from src.core.prediction.postprocess import has_background
from src.core.prediction.report import MOST_PICTURES, Page, Table, picture_address, settings_table, write_page
from src.core.prediction.results import ResultFolder, Wanted
from src.core.report.text import number, percent
from src.tasks.segmentation.jobs.over_images import WorkAtImages, Writers
from src.tasks.segmentation.jobs.pseudo_label_config import PseudoLabelConfig
from src.tasks.segmentation.pictures import overlay

_HONEST = (
    "These labels are the model's own opinion. Training on them makes a model surer of what it believes already, also where it "
    "is wrong.",
    "Pixels of which the model was not sure are ignored in training, so outlines and doubtful objects are labelled least.",
    "Measure a model that was trained on them on images that people labelled, never on pseudo-labels.",
)  # fmt: skip


class ConfidentSink:
    """Class numbers where the model is sure, 255 elsewhere: two bytes a pixel."""

    def __init__(self, size: tuple[int, int], confidence: float, finish: Any) -> None:
        self._labels, self._score = np.empty(size, np.uint8), np.empty(size, np.uint8)
        self._confidence, self._finish, self._begun = confidence, finish, time.monotonic()

    def band(self, top: int, probabilities: Tensor) -> None:
        """See `Sink.band`."""
        if probabilities.shape[0] == 1:
            labels = (probabilities[0] > 0.5).to(torch.uint8)
            sure = torch.maximum(probabilities[0], 1 - probabilities[0])
        else:
            sure, best = probabilities.max(dim=0)
            labels = best.to(torch.uint8)
        labels = torch.where(sure >= self._confidence, labels, torch.full_like(labels, IGNORE_INDEX))
        rows = slice(top, top + probabilities.shape[1])
        self._labels[rows] = labels.cpu().numpy()
        self._score[rows] = (sure * 255).round_().clamp_(0, 255).to(torch.uint8).cpu().numpy()

    def end(self) -> Any:
        """See `Sink.end`."""
        return self._finish(self._labels, self._score, self._begun)


class _PseudoLabels:
    """The job at work."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config: PseudoLabelConfig = job.config
        self.work = WorkAtImages(job)
        self.classes = self.work.loaded.classes
        self.background = self.work.binary or has_background(self.classes)
        self.human = self._human()
        wanted = Wanted(self.classes, self.work.binary, self.background, overlay if self.config.overlays else None, tables=False,
                        intensity_range=self.work.loaded.intensity_range)  # fmt: skip
        self.model = self.work.model_facts()
        header = {
            "kind": "pseudo-labels", "model": self.model, "classes": list(self.classes), "binary": self.work.binary,
            "confidence": self.config.confidence, "overlays": self.config.overlays,
            "inference": plain(self.config.inference),
        }  # fmt: skip
        try:
            self.out = ResultFolder(job.folder.path, wanted, header)
        except ResultsError as error:
            raise JobError(str(error), error.cure) from error
        self.noted: list[int] = []
        self.said: list[str] = []

    def _human(self) -> list[Labelled]:
        run = self.work.source.run
        human = human_labels(run.read_json(run.dataset / "description.json")) if run else []
        if self.config.combine and not human:
            text = f"{self.work.source.name} does not say on which labelled images it was trained: nothing to combine with."
            raise JobError(text, "Choose a run as the model, or set combine to false.")
        return human

    def run(self) -> dict[str, Any]:
        """Label everything, then make the data sets; stopped before that, none is made."""
        found = self.work.find(self.config.images, self.out.names)
        todo = [image for image in found.images if not self.out.is_done(image)]
        self.work.begin(len(todo))
        counter = Counter(self.job, len(todo), "Labelling")
        try:
            whole = self._label(todo, counter)
        finally:
            try:
                self.out.close()
            except ResultsError as error:
                raise JobError(str(error), error.cure) from error
        if not whole:
            left = counter.total - counter.done
            said = [f"It was stopped with {counted(left, 'image')} left, and no data set was made. Started again in the same folder, "
                    "it goes on there."]  # fmt: skip
            return {"status": "stopped", "said": said, "results": str(self.out.path)}
        return self._made({image.name for image in found.images}, counter)

    def _label(self, images: list[ImageFile], counter: Counter) -> bool:
        with counter.running(), Writers() as writers:

            def sink_for(image: ImageFile, size: tuple[int, int]) -> ConfidentSink:
                pixels = size[0] * size[1]
                writers.make_room(pixels)

                def finish(labels: np.ndarray, score: np.ndarray, begun: float) -> Any:
                    return writers.submit(pixels, self._write, image, labels, score, begun)

                return ConfidentSink(size, self.config.confidence, finish)

            def done(image: ImageFile, result: Prediction) -> None:
                if result.error:
                    note_failure(self.job, image.name, result.error, self.noted)
                counter.one_more(image.name if result.error else "")

            def failed(image: ImageFile, reason: str) -> None:
                done(image, self.out.failed(image, reason))

            return self.work.stream(images, sink_for, done, failed)

    def _write(self, image: ImageFile, labels: np.ndarray, score: np.ndarray, begun: float) -> Prediction:
        pixels = np.bincount(labels.ravel(), minlength=256) if labels.size < 1 << 22 else _counts(labels)
        sure = labels.size - int(pixels[IGNORE_INDEX])
        objects = sure - (int(pixels[0]) if self.background else 0)
        measured = {"labelled": sure / labels.size, "objects": objects / labels.size,
                    "pixels": {str(k): int(pixels[k]) for k in range(len(self.classes)) if pixels[k]}}  # fmt: skip
        return self.out.write(image, labels, score, begun, measured=measured)

    def _made(self, names: set[str], counter: Counter) -> dict[str, Any]:
        good = [p for name, p in self.out.index.items() if name in names and not p.error]
        kept = [p for p in good if p.score["labelled"] >= self.config.least_confident
                and (not self.config.only_objects or p.score["objects"] > 0)]  # fmt: skip
        entries = [
            Labelled(p.name, p.path, str(self.out.path / p.mask), "train", True, "model") for p in kept
        ]
        self.job.progress(0, 0, "Comparing with the labelled images")
        entries, known = without_held_out(entries, self.human)
        if known:
            text = f"{counted(len(known), 'image')} with labels by people already: left out."
            self.job.note(Finding("notice", "pseudo.known", text, "", named(known)))
            self.said.append(text)
        if not entries:
            raise JobError("No image is left to make a data set of: the model was sure of too little, or all have labels already.",
                           "Lower the confidence or the least labelled share, or choose other images.")  # fmt: skip
        chosen = {e.name for e in entries}
        facts = self._facts([p for p in good if p.name in chosen], len(good), counter)
        folder = self._make(entries, "", facts, self.config.copy_images)
        combined = (
            self._make([*self.human, *entries], "_combined", facts, self.config.copy_labelled)
            if self.config.combine
            else None
        )
        page = self._report([p for p in good if p.name in chosen], facts)
        return {
            "status": "completed", "said": self.said, "report": str(page), "dataset": str(folder), "combined": str(combined or ""),
            "images": len(entries), "left_out": len(good) - len(entries), "failed": len(counter.failures),
            "labelled_share": facts["labelled_share"], "images_per_second": round(counter.per_second, 3),
            "results": str(self.out.path),
        }  # fmt: skip

    def _facts(self, chosen: list[Prediction], good: int, counter: Counter) -> dict[str, Any]:
        total = sum(p.width * p.height for p in chosen)
        pixels = {
            name: sum(p.score["pixels"].get(str(k), 0) for p in chosen) for k, name in enumerate(self.classes)
        }
        share = sum(pixels.values()) / max(1, total)
        self.said[:0] = [
            f"{counted(len(chosen), 'image')} of {good} got pseudo-labels, on {percent(share)} of their pixels (confidence "
            f"{self.config.confidence:g} or more); the other pixels are ignored.",
            f"Of the labelled pixels: {self._shares(pixels)}.",
        ]  # fmt: skip
        if good > len(chosen):
            self.said.insert(2, f"{counted(good - len(chosen), 'image was', 'images were')} left out.")
        if text := counter.failed_sentence():
            self.said.append(text)
        return {
            "kind": "pseudo-labels", "model": self.model, "confidence": self.config.confidence, "least_labelled_share":
            self.config.least_confident, "images": len(chosen), "images_left_out": good - len(chosen), "pixels": total,
            "labelled_share": round(share, 6), "labelled_pixels": pixels, "job": str(self.out.path), "note": " ".join(_HONEST),
        }  # fmt: skip

    @staticmethod
    def _shares(pixels: dict[str, int]) -> str:
        total = max(1, sum(pixels.values()))
        return ", ".join(f"{name} {percent(many / total)}" for name, many in pixels.items())

    def _make(self, entries: list[Labelled], suffix: str, facts: dict[str, Any], copy: bool) -> Path:
        run = self.work.source.run
        name = self.config.dataset or f"{run.name if run else Path(self.work.source.path).stem}_pseudo"
        target = free_folder(name + suffix)
        self.job.progress(0, 0, f"Making the data set {target.name}")
        kind = "pseudo-labels and labels by people" if suffix else "pseudo-labels"
        try:
            made = make_dataset(
                target, entries, self.classes, self.work.binary, {**facts, "kind": kind}, copy
            )
        except (ImportFailedError, FileExistsError) as error:
            raise JobError(
                str(error), "The labelled images are kept: start the job again in the same folder."
            ) from None
        for finding in made.findings:
            self.job.note(finding)
            self.said.append(finding.message)
        self.said.append(
            f"{counted(made.images, 'image')} in the {'combined ' if suffix else ''}data set {target}."
        )
        return target

    def _report(self, chosen: list[Prediction], facts: dict[str, Any]) -> Path:
        page = Page(f"Pseudo-labels of {self.work.source.name}", self.said)
        page.tiles = [("Images", number(len(chosen)), f"{facts['images_left_out']} left out"),
                      ("Labelled", percent(facts["labelled_share"]), "of the pixels of these images")]  # fmt: skip
        rows = [
            (name, number(n), percent(n / max(1, facts["pixels"])))
            for name, n in facts["labelled_pixels"].items()
        ]
        settings = {
            "Model": self.work.source.name,
            "File of the model (sha256)": self.model["sha256"],
            "Confidence": self.config.confidence,
        }
        page.tables = [
            Table("Classes", ("Class", "Pixels", "Share of all pixels"), rows, frozenset({1, 2})),
            settings_table(settings),
        ]
        page.pictures_title = "What was labelled; grey was not"
        for p in sorted(chosen, key=lambda p: -p.score["objects"])[:MOST_PICTURES]:
            if p.overlay and (address := picture_address(self.out.path / p.overlay)):
                page.pictures.append((address, f"{p.name}: {percent(p.score['labelled'])} labelled"))
        page.explained = list(_HONEST)
        try:
            return write_page(self.out.path, page)
        except OSError as error:
            raise JobError(
                f"The report could not be written: {error.strerror or error}.", "Free some space."
            ) from error


def _counts(labels: np.ndarray) -> np.ndarray:
    """Pixels of each value, band by band: bincount makes eight bytes of each pixel."""
    return np.sum(
        [
            np.bincount(labels[top : top + 256].ravel(), minlength=256)
            for top in range(0, labels.shape[0], 256)
        ],
        axis=0,
    )


def run(job: Job) -> dict[str, Any]:
    """Make the data sets of a `PseudoLabelConfig`."""
    try:
        return _PseudoLabels(job).run()
    except ResultsError as error:
        raise JobError(str(error), error.cure) from error
    except JobCancelledError:
        return {
            "status": "stopped",
            "said": ["It was stopped, and no data set was made."],
            "results": str(job.folder.path),
        }
