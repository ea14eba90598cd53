"""What is damaged in recordings of any length: the job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.core.dataset.findings import Finding, counted, listed
from src.core.dataset.formats.writing import mask_name
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction.counting import Counter, digest_of, note_failure, plain
from src.core.prediction.folder import IndexedFolder, ResultsError
from src.core.prediction.images import FileKind, ImageFile, find_images
from src.core.prediction.index import Prediction
from src.core.prediction.watching import Watch
from src.tasks.bearing.files import PossibleSuffixes, UnreadableSignalError, is_signal_file
from src.tasks.bearing.jobs.answering import Answerer, source_of
from src.tasks.bearing.jobs.new_data import data_options, objection, orders_of, recordings_of
from src.tasks.bearing.jobs.predict_config import PredictConfig
from src.tasks.bearing.jobs.predict_report import write_report
from src.tasks.bearing.jobs.verdicts import Verdict, verdict_of, verdicts_in, write_verdicts
from src.tasks.bearing.jobs.windows_table import WindowsTable
from src.tasks.bearing.recordings import RECORDING
from src.tasks.bearing.sources import SourceFile
from src.tasks.bearing.windows import WindowIndex

KIND = FileKind(RECORDING, PossibleSuffixes(), "MATLAB, HDF5, NumPy, WAV, CSV or Parquet files")


def run(job: Job) -> dict[str, Any]:
    """Predict the recordings of a `PredictConfig` into the folder of the job.

    In the folder: ``windows/`` with a CSV file for each file (a row a window), ``recordings.csv`` with a verdict for each
    recording, ``predictions.jsonl`` and ``prediction.json`` as other predictions have them.

    Raises:
        JobError: The model or all files cannot be used, or the folder holds something else.
    """
    return _Prediction(job).run()


class _Prediction:
    """The job at work."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config: PredictConfig = job.config
        job.progress(0, 0, "Loading the model")
        self.source = source_of(self.config.model, self.config.checkpoint)
        self.answerer = Answerer(self.source, self.config.compute)
        if self.config.overlap is not None:
            self.answerer.hop(self.config.overlap)
        self.classes = list(self.answerer.loaded.classes)
        self.options = data_options(self.source.run, self.config.recordings)
        # The rate of what is looked at is brought to that of the training; the table's own paths play no part
        self.trained = self.answerer.loaded.maker.orders
        try:
            self.out = IndexedFolder(job.folder.path, self._header())
        except ResultsError as error:
            raise JobError(str(error), error.cure) from error
        self.noted: list[int] = []
        self.reused = 0
        self.seconds_seen = 0.0
        self.assumed = False

    def _header(self) -> dict[str, Any]:
        shape, source = self.answerer.shape, self.source
        return {
            "kind": "scores", "task": "bearing", "classes": self.classes, "several": self.answerer.loaded.several,
            "model": {"name": source.name, "file": str(source.path), "sha256": digest_of(source.path),
                      "run": str(source.run.path) if source.run else "", "epoch": source.epoch,
                      "precision": self.answerer.precision.name},
            "window": [shape.length, shape.hop, shape.rate], "recordings": plain(self.config.recordings),
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Predict everything; what is complete is kept however it ends."""
        try:
            counter, whole = self._watch() if self.config.watch else self._once()
            return self._ending(counter, whole)
        except ResultsError as error:
            raise JobError(str(error), error.cure) from error
        finally:
            try:
                self.out.close()
            except ResultsError as error:
                raise JobError(str(error), error.cure) from error

    def _begin(self, items: int) -> None:
        answerer = self.answerer
        self.job.started(model=self.source.name, device=str(answerer.device), precision=answerer.precision.name,
                         items=items, classes=self.classes)  # fmt: skip

    def _once(self) -> tuple[Counter, bool]:
        self.job.progress(0, 0, "Looking for recordings")
        found = find_images(self.config.files, [str(self.out.path)], self.out.names, KIND)
        found.images = [file for file in found.images if is_signal_file(Path(file.path))]
        for finding in found.findings:
            self.job.note(finding)
        if not found.images:
            first = next((f for f in found.findings if f.severity in ("error", "warning")), None)
            raise JobError(first.message if first else f"There are no recordings in {listed(self.config.files)}.",
                           (first.cure if first else "") or "Choose recordings or a folder with recordings.")  # fmt: skip
        todo = [file for file in found.images if not self.out.is_done(file)]
        self.reused = len(found.images) - len(todo)
        self._begin(len(todo))
        counter = Counter(self.job, len(todo), "Predicting", RECORDING)
        return counter, self._predict(todo, counter)

    def _watch(self) -> tuple[Counter, bool]:
        self._begin(0)
        counter = Counter(self.job, 0, "Waiting for recordings", RECORDING)
        watch = Watch(
            self.config.files, [str(self.out.path)], self.out.names, self.config.watch_every, kind=KIND
        )

        def idle() -> None:
            counter.what = "Waiting for recordings"
            self.job.progress(counter.done, 0, counter.what)

        try:
            for ready in watch.batches(self.job.cancelled, idle, self.job.note):
                todo = [file for file in ready if not self.out.is_done(file)]
                counter.what = "Predicting"
                if todo and not self._predict(todo, counter):
                    break
                self._tables()
        except JobCancelledError:
            pass
        return counter, False

    def _predict(self, todo: Sequence[ImageFile], counter: Counter) -> bool:
        """Whether it came to the end."""
        for file in todo:
            if self.job.cancelled():
                return False
            with counter.running():
                try:
                    self._one(file)
                    counter.one_more()
                except JobCancelledError:
                    return False
                except (UnreadableSignalError, OSError, ValueError) as error:
                    reason = str(getattr(error, "strerror", None) or error).rstrip(".") + "."
                    self.out.failed(file, reason)
                    note_failure(self.job, file.name, reason, self.noted)
                    counter.one_more(file.name)
        return True

    def _one(self, file: ImageFile) -> None:
        """One file: its windows over time, then the verdicts on its recordings.

        Raises:
            UnreadableSignalError, OSError, ValueError: It cannot be read, or does not fit the model.
            JobCancelledError: What is done of it is kept, and gone on with the next time.
        """
        begun = time.monotonic()
        recordings, bearing = recordings_of(SourceFile(file.name, file.path), self.options)
        self._look_at(bearing)
        for recording in recordings:
            if reason := objection(recording, self.answerer.shape, self.answerer.maker.needs_speed()):
                raise ValueError(reason)
        index = WindowIndex(recordings, self.answerer.shape)
        relative = f"windows/{self._stem(file)}.csv"
        table = WindowsTable(self.out.path / relative, self.classes, index, (file.size, file.mtime_ns))
        with table:
            self._answer(table, index, file.name)
        scores = table.finish()
        verdicts = [
            verdict_of(r, scores[i], self.classes, self.answerer.loaded.several)
            for i, r in enumerate(recordings)
        ]
        self.seconds_seen += sum(r.seconds for r in recordings if r.rate > 0)
        done = Prediction(
            file.name, file.path, file.size, file.mtime_ns, tables=[relative], seconds=round(time.monotonic() - begun, 3),
            score={"recordings": [v.to_dict() for v in verdicts]}, notes=table.notes,
        )  # fmt: skip
        self.out.note(done)

    def _answer(self, table: WindowsTable, index: WindowIndex, name: str) -> None:
        stream = self.answerer.stream(index, table.done)
        try:
            for numbers, probabilities in stream:
                table.add(numbers, probabilities)
                self.job.progress(numbers.stop, len(index), f"Predicting {name}")
        finally:
            stream.close()  # type: ignore[attr-defined]

    def _look_at(self, bearing: str) -> None:
        self.answerer.look_at(orders_of(self.options, bearing, self.trained))
        unsaid = self.options.bearing.kind == "unknown" and not bearing
        if unsaid and self.answerer.loaded.maker.orders is not None and not self.assumed:
            self.assumed = True
            text = "No bearing was named: the fault frequencies are those of the bearing of the training."
            cure = "Where it is another one, say it (recordings.bearing)."
            self.job.note(Finding("notice", "predict.bearing", text, cure))

    def _stem(self, file: ImageFile) -> str:
        """Path of the results of a file below ``windows``, without suffix; the same at every start."""
        known = self.out.index.get(file.name)
        if known is not None and known.tables:
            return known.tables[0].removeprefix("windows/").removesuffix(".csv")
        taken = {
            t.removeprefix("windows/").casefold().replace(".csv", ".png")
            for p in self.out.index.values() if p.name != file.name for t in p.tables
        }  # fmt: skip
        return mask_name(file.name, taken).removesuffix(".png")

    # -- results ---

    def _tables(self) -> list[Verdict]:
        found = verdicts_in(self.out.index)
        write_verdicts(self.out.path / "recordings.csv", found, self.classes)
        return found

    def _ending(self, counter: Counter, whole: bool) -> dict[str, Any]:
        verdicts = self._tables()
        said = self._said(counter, verdicts, whole)
        page: Path | None = None
        if self.config.report:
            page = write_report(self.out.path, self.out.index, verdicts, self.classes, said, {
                "Model": self.source.name, "Device": f"{self.answerer.device}, {self.answerer.precision.name}",
                "Window": f"{self.answerer.shape.length:,} samples, every {self.answerer.shape.hop:,}",
            })  # fmt: skip
        return {
            "status": "completed" if whole else "stopped", "said": said, "report": str(page) if page else None,
            "recordings": len(verdicts), "failed": len(counter.failures), "reused": self.reused,
            "seconds": round(counter.seconds, 2), "recorded_seconds": round(self.seconds_seen, 2),
            "verdicts": {v.recording: v.words for v in verdicts[:200]}, "results": str(self.out.path),
        }  # fmt: skip

    def _said(self, counter: Counter, verdicts: Sequence[Verdict], whole: bool) -> list[str]:
        done = counter.done - len(counter.failures)
        said = [f"{counted(done, 'file was', 'files were')} predicted."]
        if self.seconds_seen and counter.seconds:
            said[0] = (
                f"{said[0][:-1]}, {self.seconds_seen / counter.seconds:,.0f} times faster than real time."
            )
        if self.reused:
            said.append(f"{counted(self.reused, 'file')} done before and unchanged: not predicted again.")
        names = sorted({v.words for v in verdicts})
        counts = [f"{sum(v.words == name for v in verdicts)} {name}" for name in names]
        if counts:
            said.append(f"Verdicts on {counted(len(verdicts), *RECORDING)}: {listed(counts, 12)}.")
        if text := counter.failed_sentence():
            said.append(text)
        if not whole and not self.config.watch:
            left = counter.total - counter.done
            said.append(
                f"It was stopped with {counted(left, *RECORDING)} left. Started again in the same folder, it goes on there."
            )
        return said
