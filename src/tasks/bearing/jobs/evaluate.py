"""The evaluation of a model on labelled recordings: window by window, recording by recording, beside the baselines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.core.dataset.findings import Finding, counted, named
from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.classified import Baseline, ClassEvaluation, SampleResult
from src.core.evaluation.classified_files import write_answers
from src.core.evaluation.classify import (
    Answers,
    counts_of_samples,
    groups_of,
    level_of,
    measures_of,
    worst_order,
)
from src.core.evaluation.document import write_evaluation, written_now
from src.core.evaluation.pieces import LeftOut, ModelFacts, Note
from src.core.job import Job, JobError
from src.core.prediction.counting import digest_of, plain
from src.tasks.bearing.baselines import baseline_logits
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.jobs.answering import Answerer, source_of
from src.tasks.bearing.jobs.evaluate_config import EvaluateConfig
from src.tasks.bearing.jobs.evaluate_data import EvaluationData, choose_data
from src.tasks.bearing.jobs.new_data import objection, recorded, run_config
from src.tasks.bearing.loader import WindowSet
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.task import BearingTask
from src.tasks.bearing.windows import WindowIndex


def run(job: Job) -> dict[str, Any]:
    """Evaluate; see ``docs/bearings.md`` for what is written.

    Raises:
        JobError: The model or the data cannot be used.
        JobCancelledError: Somebody asked the job to end; nothing is written then.
    """
    return _Evaluation(job).run()


class _Evaluation:
    """One evaluation."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config: EvaluateConfig = job.config
        job.progress(0, 0, "Loading the model")
        self.source = source_of(self.config.model, self.config.checkpoint)
        self.answerer = Answerer(self.source, self.config.compute)
        loaded = self.answerer.loaded
        self.names, self.several = list(loaded.classes), loaded.several
        self.data: EvaluationData = choose_data(
            job, self.source.run, self.names, self.several, loaded.maker.orders
        )
        self.answerer.look_at(self.data.orders)
        for note in self.data.notes:
            job.note(note)
        self.left_out = [LeftOut(id=path, path=path, reason=why) for path, why in self.data.left_out]

    def run(self) -> dict[str, Any]:
        """Ask the model, count, write."""
        answerer, job = self.answerer, self.job
        records = _by_recording(self.data.recordings)
        total = sum(answerer.shape.count(r) for group in records for r in group)
        job.started(model=self.source.name, device=str(answerer.device), precision=answerer.precision.name, items=len(records),
                    part=self.data.facts.part)  # fmt: skip
        begun = time.monotonic()
        kept, scores = self._ask(records, total)
        seconds = time.monotonic() - begun
        if not kept:
            first = self.left_out[0]
            raise JobError(f"None of the {counted(len(records), 'recording')} could be evaluated; {first.id}: {first.reason}.",
                           "Look at the files, or choose other data (data=…).")  # fmt: skip
        self._say_left_out()
        job.progress(0, 0, "Computing intervals")
        index = WindowIndex([r for group in kept for r in group], answerer.shape)
        parts = self._answers(kept, np.concatenate(scores))
        bootstrap = Bootstrap(parts.groups, self.config.bootstrap, noun=("recording", "recordings"))
        baselines = self._baselines(kept, index, parts, bootstrap) if self.config.baselines else []
        document = self._document(kept, parts, bootstrap, baselines, seconds)
        return self._write(document, parts, index)

    def _ask(
        self, records: Sequence[list[Recording]], total: int
    ) -> tuple[list[list[Recording]], list[np.ndarray]]:
        """The recordings that could be answered for, and the probabilities of their windows."""
        answerer, job = self.answerer, self.job
        kept: list[list[Recording]] = []
        scores: list[np.ndarray] = []
        done = 0
        for group in records:
            reason = objection(group[0], answerer.shape, answerer.maker.needs_speed())
            found: list[np.ndarray] = []
            try:
                if not reason:
                    for _, probabilities in answerer.stream(WindowIndex(group, answerer.shape)):
                        found.append(probabilities)
                        done += len(probabilities)
                        job.progress(done, total, "Evaluating")
            except (UnreadableSignalError, OSError, ValueError) as error:
                reason = str(getattr(error, "strerror", None) or error)
            if reason:
                one = group[0]
                self.left_out.append(LeftOut(id=one.recording, path=one.file, reason=reason.rstrip(".")))
            else:
                kept.append(group)
                scores.append(np.concatenate(found))
        return kept, scores

    def _answers(self, kept: Sequence[list[Recording]], scores: np.ndarray) -> Answers:
        shape = self.answerer.shape
        counts = [sum(shape.count(r) for r in group) for group in kept]
        truth = np.zeros((len(kept), len(self.names)), bool)
        for row, group in zip(truth, kept, strict=True):
            row[list(group[0].classes)] = True
        sample = np.repeat(np.arange(len(kept)), counts)
        return Answers(
            self.names, self.several, truth[sample], scores, sample, [group[0].group for group in kept]
        )

    def _say_left_out(self) -> None:
        if not self.left_out:
            return
        many = len(self.left_out)
        text = f"{counted(many, 'recording')} could not be evaluated and {'counts' if many == 1 else 'count'} nowhere."
        where = named(f"{item.id}: {item.reason}" for item in self.left_out)
        note = Finding("warning", "evaluation.left_out", text, "Mend or remove the files.", where)
        self.data.notes.append(note)
        self.job.note(note)

    # -- beside the model ---

    def _baselines(
        self, kept: Sequence[list[Recording]], index: WindowIndex, parts: Answers, bootstrap: Bootstrap
    ) -> list[Baseline]:
        """What learns little or nothing, on the same windows."""
        config, data = run_config(self.source.run), recorded(self.source.run)
        if config is None or data is None:
            text = "Without the run of the model there is nothing for the baselines to learn from: they are left out."
            self.data.notes.append(Finding("notice", "evaluation.no_baselines", text))
            return []
        self.job.progress(0, 0, "Measuring the baselines")
        task = BearingTask(config, data)
        task.shape = self.answerer.shape
        seen = WindowSet(
            index, self.answerer.maker, len(self.names), self.several, [-1] * len(index.recordings)
        )
        try:
            numbers, found = baseline_logits(
                task, task.window_set("train"), seen, self.job.cancelled, self._bearing(), len(index)
            )
        except (UnreadableSignalError, OSError) as error:
            text = f"The baselines could not be measured: {getattr(error, 'strerror', None) or error}."
            self.data.notes.append(Finding("notice", "evaluation.no_baselines", text))
            return []
        self.job.go_on()
        if len(numbers) != len(index):
            text = "The training recordings of the run are gone: there are no baselines."
            self.data.notes.append(Finding("notice", "evaluation.no_baselines", text))
            return []
        return [
            Baseline(name=name, about=about, levels=_both(parts, _probabilities(logits, self.several), bootstrap))
            for name, about, logits in found
        ]  # fmt: skip

    def _bearing(self) -> Any:
        """That of the evaluated recordings, where it was given; else None: that of the training."""
        return rolling(geometry(self.config.recordings.bearing)) if self.config.data else None

    # -- results ---

    def _document(
        self, kept: Sequence[list[Recording]], parts: Answers, bootstrap: Bootstrap, baselines: list[Baseline],
        seconds: float,
    ) -> ClassEvaluation:  # fmt: skip
        whole, source = parts.whole(), self.source
        counts = counts_of_samples(parts)
        samples = [
            SampleResult(
                id=group[0].recording, group=group[0].group, path=group[0].file, true=list(group[0].classes),
                predicted=np.flatnonzero(said).tolist(), scores=[round(float(p), 6) for p in mean], counts=count,
                facts=_facts(group), sample=self._opened(group[0], said),
            )
            for group, said, mean, count in zip(kept, whole.said, whole.scores, counts, strict=True)
        ]  # fmt: skip
        self.data.facts.samples, self.data.facts.parts = len(samples), len(parts.scores)
        shape = self.answerer.shape
        model = ModelFacts(
            name=source.name, path=str(source.path), run=str(source.run.path) if source.run else None,
            checkpoint=digest_of(source.path), epoch=source.epoch, architecture=", ".join(self.answerer.maker.names),
            split_hash=str(source.header.get("split_hash") or ""),
        )  # fmt: skip
        return ClassEvaluation(
            **written_now(), task="bearing", model=model, data=self.data.facts, classes=self.names, several=self.several,
            inference={"window": [shape.length, shape.hop, shape.rate], "compute": plain(self.config.compute)},
            notes=[Note(severity=n.severity, code=n.code, message=n.message, cure=n.cure, where=list(n.where))
                   for n in self.data.notes],
            left_out=self.left_out, interval=bootstrap.rule,
            levels=[level_of(parts, "window", "windows", bootstrap, calibrated=True),
                    level_of(whole, "recording", "recordings", bootstrap)],
            baselines=baselines, groups=groups_of(parts, whole), samples=samples, worst=worst_order(whole), seconds=seconds,
            parts_per_second=len(parts.scores) / seconds if seconds > 0 else None,
        )  # fmt: skip

    def _opened(self, one: Recording, said: np.ndarray) -> dict[str, Any]:
        """The recording as its views open it, with what was said along it."""
        verdict = "+".join(self.names[k] for k in np.flatnonzero(said).tolist()) or "no fault"
        prediction = {"folder": str(self.job.folder.path), "name": one.recording, "table": "windows.csv",
                      "recording": one.recording, "verdict": verdict}  # fmt: skip
        return {"id": one.recording, "file": one.file, "Channel": one.channel, "rate": one.rate, "speed": one.speed,
                "prediction": prediction}  # fmt: skip

    def _write(self, document: ClassEvaluation, parts: Answers, index: WindowIndex) -> dict[str, Any]:
        folder = self.job.folder.path
        rate = self.answerer.shape.rate or 1.0
        starts = np.array([index[k].seconds for k in range(len(index))])
        write_answers(folder, document, parts, starts, self.answerer.shape.length / rate)
        path = write_evaluation(folder, document)
        result: dict[str, Any] = {"evaluation": str(path), "said": sentences(document),
                                  "metrics": {f"{level.many}.{key}": value.value for level in document.levels
                                              for key, value in level.measures.items()}}  # fmt: skip
        if self.config.report:
            from src.core.report.classification import write_class_report

            result["report"] = str(write_class_report(folder, document))
        return result


def _by_recording(records: Sequence[Recording]) -> list[list[Recording]]:
    """Windows that were divided at random, by the recording that they are of; others alone."""
    found: dict[str, list[Recording]] = {}
    for record in records:
        found.setdefault(record.recording, []).append(record)
    return list(found.values())


def _facts(group: Sequence[Recording]) -> dict[str, Any]:
    one = group[0]
    known: Mapping[str, Any] = {
        "Label": one.label, "Length (s)": round(sum(r.seconds for r in group), 3) if one.rate > 0 else None,
        "Speed (rev/min)": one.speed or None, "Load": one.load or None, "Bearing": one.bearing or None, "Channel": one.channel,
    }  # fmt: skip
    return {title: value for title, value in known.items() if value is not None}


def _probabilities(logits: np.ndarray, several: bool) -> np.ndarray:
    if several:
        return np.asarray(1 / (1 + np.exp(-logits)))
    power = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(power / power.sum(1, keepdims=True))


def _both(like: Answers, scores: np.ndarray, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    answers = Answers(like.names, like.several, like.truth, scores, like.sample, like.groups)
    return [measures_of(answers, bootstrap), measures_of(answers.whole(), bootstrap)]


def sentences(document: ClassEvaluation) -> list[str]:
    """The result in a few sentences."""
    said = []
    for level in document.levels:
        value = level.measures["balanced_accuracy"]
        text = (
            f"Balanced accuracy {value.value:.4f}"
            if value.value is not None
            else "Balanced accuracy not defined"
        )
        if value.low is not None and value.high is not None:
            text += f" (95 % interval {value.low:.4f} to {value.high:.4f}, {counted(document.interval.groups, 'group')})"
        said.append(f"{text} on {counted(level.count, level.one, level.many)}.")
    beside = [
        f"{b.name} {b.levels[0]['balanced_accuracy'].value or 0:.4f}" for b in document.baselines
    ]  # fmt: skip
    if beside:
        said.append(f"On the same {document.levels[0].many}: {', '.join(beside)}.")
    return said + [note.message for note in document.notes if note.severity == "warning"]
