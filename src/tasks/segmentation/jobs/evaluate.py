"""The evaluation job: predicts images with masks, counts, and writes the document, its files and the report."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.findings import Finding, counted, named
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.evaluation import build
from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.collect import Collector
from src.core.evaluation.decision import decide
from src.core.evaluation.document import Evaluation, write_evaluation, written_now
from src.core.evaluation.files import write_arrays, write_pictures, write_table
from src.core.evaluation.measure import ImageMeasure, Rules
from src.core.evaluation.pieces import LeftOut, ModelFacts, Note
from src.core.evaluation.threshold import StoredThreshold, read_threshold, write_threshold
from src.core.inference.predictor import Predictor
from src.core.inference.sources import FileSource
from src.core.job import Job, JobCancelledError, JobError
from src.core.run.model_source import ModelError, ModelSource, find_model
from src.tasks.segmentation.jobs.evaluate_config import EvaluateConfig
from src.tasks.segmentation.jobs.evaluate_data import EvaluationData, choose_data
from src.tasks.segmentation.jobs.evaluate_fit import Fitted, Fitter
from src.tasks.segmentation.jobs.evaluate_sink import sink_maker, sources
from src.tasks.segmentation.loaded import LoadedModel, load_model
from src.tasks.segmentation.pictures import overlay

#: Images that may wait to be counted while the model goes on.
_WAITING = 16


def run(job: Job) -> dict[str, Any]:
    """Evaluate; see ``docs/evaluation.md`` for what is written.

    Raises:
        JobError: The model or the data cannot be used.
        JobCancelledError: Somebody asked the job to end; nothing is written then.
    """
    config: EvaluateConfig = job.config
    try:
        source = find_model(config.model, config.checkpoint)
    except ModelError as error:
        raise JobError(str(error), error.cure) from None
    loaded = load_model(source, config.compute.device, config.compute.precision, config.inference.foreign)
    data = choose_data(config, source.run, loaded.classes, loaded.meaning, job.progress)
    for note in data.notes:
        job.note(note)
    job.started(model=source.name, device=str(loaded.device), precision=loaded.precision.name, items=len(data.samples),
                part=data.facts.part)  # fmt: skip
    work = _Work(job, config, source, loaded, data)
    return work.run()


class _Work:
    """One evaluation."""

    def __init__(
        self, job: Job, config: EvaluateConfig, source: ModelSource, loaded: LoadedModel, data: EvaluationData
    ) -> None:
        self.job, self.config, self.source, self.loaded, self.data = job, config, source, loaded, data
        self.binary = loaded.out_channels == 1
        self.rules = Rules(len(loaded.classes), self.binary, True, config.match, config.match_at)
        self.notes = list(data.notes)
        self.predictor = Predictor(loaded, config.inference, config.compute, self.note)
        self.inference = config.inference.model_dump(mode="json")
        self.mark = _mark(source.path)

    def note(self, finding: Finding) -> None:
        """Say it now and beside the numbers, once."""
        if (finding.code, finding.message) not in {(n.code, n.message) for n in self.notes}:
            self.notes.append(finding)
            self.job.note(finding)

    def run(self) -> dict[str, Any]:
        """Both passes, then all files."""
        fitter = Fitter(
            self.config, self.data, self.rules, self.source.run, self.mark, self._validate, self.note
        )
        fitted = fitter.fit()
        threshold = fitted.threshold.value
        started = time.monotonic()
        collected = self._pass(
            self.data.samples, self.data.meaning, self.rules, threshold, "Evaluating", self.config.worst
        )
        seconds = time.monotonic() - started
        if not len(collected):
            first = collected.left_out[0]
            raise JobError(f"None of the {counted(len(self.data.samples), 'image')} could be evaluated; {first.id}: {first.reason}",
                           "Look at the files, or choose other data (data=…).")  # fmt: skip
        if fitted.here and fitted.cutoff is None and not fitted.reason:
            fitted = replace(fitted, **fitter.cutoff(collected))
        self._say_left_out(collected)
        self.job.progress(0, 0, "Computing intervals")
        document = self._document(collected, fitted, seconds)
        return self._write(document, collected, fitted)

    # -- predicting ---

    def _pass(
        self,
        samples: Sequence[Sample],
        meaning: MaskMeaning,
        rules: Rules,
        threshold: float | None,
        what: str,
        worst: int = 0,
    ) -> Collector:
        """Predict and count images. Raises JobCancelledError."""
        collected = Collector(rules, worst)
        waiting: deque[tuple[Sample, Future[ImageMeasure] | Exception]] = deque()
        workers = min(8, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as counters, ThreadPoolExecutor(min(4, workers)) as readers:
            images = sources(samples, meaning, self.loaded.channels, self.loaded.intensity_range, readers)
            make = sink_maker(rules, threshold, counters)
            stream = self.predictor.stream(images, make, self.job.cancelled)
            try:
                for done, (source, result) in enumerate(stream, 1):
                    waiting.append((source.sample, result))  # type: ignore[attr-defined]
                    while len(waiting) > _WAITING:
                        _take(collected, *waiting.popleft())
                    self.job.progress(done, len(samples), what)
                self.job.go_on()
                while waiting:
                    _take(collected, *waiting.popleft())
            finally:
                close: Callable[[], None] = getattr(stream, "close", lambda: None)
                close()
                readers.shutdown(wait=True, cancel_futures=True)
        return collected

    def _validate(self, samples: Sequence[Sample], meaning: MaskMeaning, rules: Rules) -> Collector:
        return self._pass(samples, meaning, rules, None, "Choosing the threshold on validation")

    # -- results ---

    def _say_left_out(self, collected: Collector) -> None:
        collected.left_out += [
            LeftOut(id=Path(path).name, path=path, reason=why) for path, why in self.data.left_out
        ]
        if collected.left_out:
            many = len(collected.left_out)
            text = f"{counted(many, 'image')} could not be evaluated and {'counts' if many == 1 else 'count'} nowhere."
            where = named(f"{item.id}: {item.reason}" for item in collected.left_out)
            self.note(Finding("warning", "evaluation.left_out", text, "Mend or remove the files.", where))
        empty = int((collected.column("pixels") == 0).sum())
        if empty:
            text = f"{counted(empty, 'image')} hold ignored pixels only: they have no score."
            self.note(Finding("notice", "evaluation.all_ignored", text))

    def _document(self, collected: Collector, fitted: Fitted, seconds: float) -> Evaluation:
        names, config, source = list(self.loaded.classes), self.config, self.source
        if fitted.threshold.fitted_here:
            self.note(Finding("warning", "evaluation.fitted_here", fitted.threshold.sentence,
                              "Judge the model on its test part or on new images."))  # fmt: skip
        bootstrap = Bootstrap([s.group for s in collected.samples], config.bootstrap)
        facts = self.data.facts.model_copy(update={
            "images": len(collected), "groups": bootstrap.count, "pixels": int(collected.column("pixels").sum()),
            "ignored": int(collected.column("ignored").sum()),
        })  # fmt: skip
        own = self.loaded.facts
        model = ModelFacts(
            name=source.name, path=str(source.path), run=str(source.run.path) if source.run else None, checkpoint=self.mark,
            epoch=source.epoch, architecture=str(own.get("architecture") or ""), encoder=str(own.get("encoder") or ""),
            split_hash=str(source.header.get("split_hash") or ""),
        )  # fmt: skip
        decision = decide(
            collected.column("score"), collected.column("with_object").astype(bool), bootstrap, binary=self.binary,
            rate=config.false_alarm_rate, threshold=fitted.cutoff,
            threshold_from=fitted.cutoff_from if fitted.cutoff is not None else "",
            fitted_here=fitted.here and fitted.cutoff is not None, reason=fitted.reason,
        )  # fmt: skip
        return Evaluation(
            **written_now(),
            model=model,
            data=facts,
            classes=names,
            binary=self.binary,
            inference={**self.inference, "compute": config.compute.model_dump(mode="json")},
            notes=[
                Note(severity=n.severity, code=n.code, message=n.message, cure=n.cure, where=list(n.where))
                for n in self.notes
            ],
            left_out=collected.left_out,
            threshold=fitted.threshold,
            interval=bootstrap.rule,
            metrics=build.metrics_of(collected, names, bootstrap),
            confusion=build.confusion_of(collected, len(names)),
            curves=build.curves_of(collected, names),
            decision=decision,
            objects=build.objects_of(collected, names, bootstrap),
            calibration=build.calibration_of_all(collected, names),
            images=build.images_of(collected),
            worst=collected.worst_order(),
            seconds=seconds,
            images_per_second=len(collected) / seconds if seconds > 0 else None,
        )

    def _write(self, document: Evaluation, collected: Collector, fitted: Fitted) -> dict[str, Any]:
        folder, said = self.job.folder.path, []
        classes = len(document.classes)
        for number, kept in enumerate(collected.kept):
            self.job.progress(number, len(collected.kept), "Drawing the worst images")
            try:
                file = FileSource(
                    collected.samples[kept.index].image, self.loaded.channels, self.loaded.intensity_range
                )
                image = file.read(least=(kept.truth.shape[0], kept.truth.shape[1]))
            except UnreadableImageError:
                continue  # it was there a moment ago; its numbers stand
            document.images[kept.index].pictures = write_pictures(
                folder, kept, number, image, overlay, classes
            )
        write_arrays(folder, collected)
        write_table(folder, document)
        path = write_evaluation(folder, document)
        if self._keep_threshold(document, fitted, path):
            said.append(
                f"The threshold {fitted.threshold.value:.3f} is kept: predictions with this model use it."
            )
        result: dict[str, Any] = {"evaluation": str(path), "said": [*_sentences(document), *said]}
        if self.config.report:
            from src.core.report.evaluation import write_evaluation_report

            result["report"] = str(write_evaluation_report(folder))
        return result

    def _keep_threshold(self, document: Evaluation, fitted: Fitted, path: Path) -> bool:
        threshold = fitted.threshold
        if self.source.run is None or not fitted.fresh or threshold.source not in ("validation", "evaluated"):
            return False
        assert threshold.value is not None, "only binary models have one that was chosen"
        old = read_threshold(self.source.run.path)
        if old is not None and old.measure == "none" and old.fits(self.mark, self.inference):
            text = (
                f"The threshold {old.value:.3f} that a person chose for this model stays: predictions use it."
            )
            self.job.note(Finding("notice", "evaluation.threshold_of_a_person", text))
            return False
        decision = None
        if fitted.cutoff is not None:
            decision = {"threshold": fitted.cutoff, "false_alarm_rate": self.config.false_alarm_rate}
        stored = StoredThreshold(
            value=threshold.value, measure=threshold.measure, score=threshold.score, part="val", evaluation=str(path.parent),
            checkpoint=self.mark, epoch=self.source.epoch, inference=self.inference, decision=decision,
        )  # fmt: skip
        try:
            write_threshold(self.source.run.path, stored)
        except OSError as error:
            self.job.note(Finding("warning", "evaluation.threshold_not_kept",
                                  f"The threshold could not be kept in {self.source.run.path}: {error.strerror or error}.",
                                  f"Give it to predictions yourself: threshold={threshold.value:.4f}."))  # fmt: skip
            return False
        return True


def _take(collected: Collector, sample: Sample, result: Future[ImageMeasure] | Exception) -> None:
    try:
        if isinstance(result, Exception):
            raise result
        collected.add(sample, result.result())
    except (JobCancelledError, JobError, MemoryError):
        raise
    except Exception as error:  # whatever is wrong with one image, the others count
        collected.leave_out(sample, str(error) or type(error).__name__)


def _mark(path: Path) -> str:
    """What a kept threshold recognises its model by: the sha256 of the file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _sentences(document: Evaluation) -> list[str]:
    """The result in a few sentences."""
    value = document.metrics.pooled["iou"]
    text = f"IoU {value.value:.4f}" if value.value is not None else "IoU not defined"
    if value.low is not None and value.high is not None:
        text += f" (95 % interval {value.low:.4f} to {value.high:.4f}, {counted(document.interval.groups, 'group')})"
    kind = {"all": "image", "val": "validation image", "train": "training image", "test": "test image"}
    found = [f"{text} on {counted(document.data.images, kind[document.data.part])}."]
    found += [note.message for note in document.notes if note.severity == "warning"]
    return found
