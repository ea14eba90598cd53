"""Supervises one training in a child process and tells of it in Qt signals."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.config import ConfigError, Resolved, RunConfig
from src.core.run import (
    ChildProcess,
    Event,
    RunFolder,
    RunFolderError,
    create_run,
    settle,
    summarise,
)
from src.core.run.process import explain
from src.tasks.catalog import task_info
from src.tasks.segmentation.legacy import resolve_config
from src.threads.resume import keep, prepare_resume
from src.threads.signals import GOOD_ENDINGS, batch_values, number, numbers, run_history
from src.threads.tail import PieceTail
from src.threads.worker import Worker

_EVERY_S = 0.05
#: After it wrote its ending a job has this long to leave; then the thread stops waiting for it.
_LEAVE_S = 20.0
_Order = Literal["stop", "finish_epoch", "pause", "terminate", "kill"]


class TrainingThread(Worker):
    """Trains in a child process that outlives the window.

    After `start`, exactly one of `training_completed` and `training_failed` is emitted, whatever happens,
    unless the thread was told to `detach` first: then the run goes on without it.

    Attributes:
        resolved: The validated configuration; None for a resumed run.
        folder: The run folder, once it was made (see `run_created`).

    Signals:
        run_created(object): The `RunFolder`, before its process is started.
        epoch_started(int): Epoch, from 1.
        epoch_completed(int, float, float, dict): Epoch, training loss, validation loss, metrics. A value that
            is not a number is NaN.
        batch_progress(int, int, str, float, dict): Batch, batches, phase (``train``, ``val``), loss, further
            values (terms of the loss, ``lr``, ``per_second``). At most 20 a second.
        training_completed(dict): The history (see `src.threads.signals.run_history`); ``status`` says whether
            it was completed, stopped early, stopped or paused.
        training_failed(str): What happened and what to do about it.
    """

    run_created = pyqtSignal(object)
    epoch_started = pyqtSignal(int)
    epoch_completed = pyqtSignal(int, float, float, dict)
    batch_progress = pyqtSignal(int, int, str, float, dict)
    training_completed = pyqtSignal(dict)
    training_failed = pyqtSignal(str)

    def __init__(
        self, config: RunConfig | Resolved[Any] | Mapping[str, Any] | None, parent: QObject | None = None
    ) -> None:
        """``config`` is the typed configuration, or a mapping as `src.tasks.segmentation.legacy` describes
        it.

        Raises:
            ConfigError: Unknown keys (with the nearest names) or values out of bounds.
        """
        super().__init__(parent)
        self.resolved = resolve_config(config) if config is not None else None
        self.folder: RunFolder | None = None
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._asked: set[_Order] = set()
        self._ended: Event | None = None
        self._told = False
        self._batch_told = 0.0

    @classmethod
    def resume(cls, folder: RunFolder | Path | str, parent: QObject | None = None) -> TrainingThread:
        """A thread that goes on with a paused, stopped, failed or killed run from its last checkpoint.

        Raises:
            RunFolderError: There is no such run, it is running, or it has nothing left to do.
        """
        thread = cls(None, parent)
        thread.folder = prepare_resume(folder)
        return thread

    # -- what a window asks for; each returns at once and may be called at any time, also twice ----
    def stop(self) -> None:
        """End the run gracefully: the model so far is kept. Before the start: the run is never begun."""
        self._orders.put("stop")

    def finish_epoch(self) -> None:
        """End the run after this epoch."""
        self._orders.put("finish_epoch")

    def pause(self) -> None:
        """Save exactly, free the device and end the process; `resume` goes on from this very step."""
        self._orders.put("pause")

    def terminate_run(self) -> None:
        """The second step, for a run that does not listen: a signal to the process."""
        self._orders.put("terminate")

    def kill_run(self) -> None:
        """The last step: end the process at once. The last checkpoint stays."""
        self._orders.put("kill")

    def detach(self) -> None:
        """End this thread; the run goes on, and any window can follow it."""
        self._end.set()

    # -- the thread -------------------------------------------------------------------------------
    def work(self) -> None:
        """Make the folder, start the child, follow its log until it ended."""
        if self._stopped_before_start():
            self._complete(self._never_begun())
            return
        try:
            child, tail = self._begin()
        except (ConfigError, RunFolderError) as error:
            self._fail(str(error))
        except OSError as error:
            what = error.strerror or error
            self._fail(f"The training could not be started: {what}. Free memory or disk space and try again.")
        else:
            if self._follow(child, tail):
                self._finish(child)
            else:
                keep(child)

    def _begin(self) -> tuple[ChildProcess, PieceTail]:
        """Start the child; the tail stands at the end of what earlier attempts wrote."""
        resumed = self.folder is not None
        folder = self.folder if self.folder is not None else self._make_folder()
        tail = PieceTail(folder.events)
        tail.skip_to_end()
        child = ChildProcess(folder, detached=True, resume=resumed)
        child.start()
        return child, tail

    def _never_begun(self) -> dict[str, Any]:
        events = summarise(self.folder).history if self.folder else []
        return {**run_history(events, self.folder, "stopped"), "cause": "Stopped before the first step."}

    def crashed(self, error: Exception) -> None:
        """A fault of this thread itself must not look like silence."""
        self._fail(
            f"Following the run failed by a fault of the program ({type(error).__name__}: {error}). "
            "The run itself may go on: look at it in the list of runs."
        )

    def _make_folder(self) -> RunFolder:
        assert self.resolved is not None
        self.folder = create_run(self.resolved, task_info(self.resolved.config.task))
        self.run_created.emit(self.folder)
        return self.folder

    def _stopped_before_start(self) -> bool:
        orders = []
        while not self._orders.empty():
            orders.append(self._orders.get())
        return bool(orders)

    def _follow(self, child: ChildProcess, tail: PieceTail) -> bool:
        """Until the child has ended; returns False when the thread was told to leave it alone."""
        ended_at: float | None = None
        while True:
            gone = child.poll() is not None  # before reading: what it wrote last is then read for certain
            for event in tail.read():
                self._tell(event)
                if event.type == "run_ended":
                    self._ended, ended_at = event, time.monotonic()
            if gone or (ended_at is not None and time.monotonic() - ended_at > _LEAVE_S):
                return True
            self._obey(child)
            if not self.pause_for(_EVERY_S):
                return False

    def _obey(self, child: ChildProcess) -> None:
        while not self._orders.empty():
            order = self._orders.get()
            self._asked.add(order)
            if order == "terminate":
                child.terminate()
            elif order == "kill":
                child.kill()
            else:
                self._ask(child, order)

    def _ask(self, child: ChildProcess, order: Literal["stop", "finish_epoch", "pause"]) -> None:
        try:
            child.ask(order)
        except OSError:  # the run folder cannot be written: a signal says the same
            child.terminate()

    def _tell(self, event: Event) -> None:
        if event.type == "batch_progress":
            now = time.monotonic()
            if now - self._batch_told >= _EVERY_S:
                self._batch_told = now
                self.batch_progress.emit(
                    int(event["batch"]),
                    int(event["batches"]),
                    str(event["phase"]),
                    number(event.get("loss")),
                    batch_values(event),
                )
        elif event.type == "epoch_started":
            self.epoch_started.emit(int(event["epoch"]))
        elif event.type == "epoch_completed":
            self.epoch_completed.emit(
                int(event["epoch"]),
                number(event.get("train_loss")),
                number(event.get("val_loss")),
                numbers(event.get("metrics")),
            )

    def _finish(self, child: ChildProcess) -> None:
        folder, ended = child.folder, self._ended
        if child.poll() is None:
            keep(child)
        if ended is None:
            cause, cure = self._explain(child, folder)
            settle(folder, cause, cure, status="killed" if (child.poll() or 0) < 0 else "failed")
            child.settle()
            self._fail(f"{cause} {cure}".strip())
        elif ended["status"] in GOOD_ENDINGS:
            # The summary drops what an interrupted attempt did too much.
            self._complete(run_history(summarise(folder).history, folder))
        else:
            self._fail(f"{ended.get('cause') or 'The run failed.'} {ended.get('cure') or ''}".strip())

    def _explain(self, child: ChildProcess, folder: RunFolder) -> tuple[str, str]:
        if "kill" in self._asked or "terminate" in self._asked:
            return "The run was ended at once, as you asked.", "Resume goes on from the last checkpoint."
        return explain(child.poll() or 0, folder.log)

    def _complete(self, found: dict[str, Any]) -> None:
        if not self._told:
            self._told = True
            self.training_completed.emit(found)

    def _fail(self, sentence: str) -> None:
        if not self._told:
            self._told = True
            self.training_failed.emit(sentence)
