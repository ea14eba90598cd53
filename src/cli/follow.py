"""Follows a job in the terminal: a progress bar an epoch, a line for each result, and Ctrl-C that stops gently."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from tqdm import tqdm

from src.core.report.text import count
from src.core.run import ChildProcess, Event, EventTail, RunSummary, summarise


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else "–"


class TerminalView:
    """Draws events; silent where only the JSON object is wanted."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._bar: Any = None
        self._epochs = 0
        self._metric = ""

    def show(self, event: Event) -> None:
        """One event as text."""
        if self._silent:
            return
        if event.type == "run_started":
            self._close_bar()
            self._started(event)
        elif event.type == "stage":
            self._draw(str(event["what"]), int(event["done"]), int(event["total"]), "image")
        elif event.type == "batch_progress":
            self._progress(event)
        elif event.type == "epoch_completed":
            self._close_bar()
            value = event["metrics"].get(self._metric)
            best = "  best so far" if event["is_best"] else ""
            self._say(
                f"epoch {event['epoch']:>4}/{self._epochs}  train loss {_number(event['train_loss'])}  "
                f"val loss {_number(event['val_loss'])}  val {self._metric} {_number(value)}  "
                f"{event['images_per_second']:.1f} samples/s{best}"
            )
        elif event.type == "warning":
            self._close_bar()
            self._say(f"{event.get('severity', 'warning')}: {event['message']} {event['cure']}".rstrip())

    def _started(self, event: Event) -> None:
        self._epochs, self._metric = int(event["epochs"]), str(event["metric"])
        if event["resumed"]:
            self._say(
                f"Resumed at epoch {event['epoch']}, after {event['step']} of {event['steps_per_epoch']} steps."
            )
        elif event["attempt"] > 1:
            self._say("No checkpoint had been written before: the run starts from the beginning.")
        self._say(
            f"{event['train_samples']} training and {event['val_samples']} validation samples, "
            f"{event['parameters'] / 1e6:.1f} million parameters, {count(event['steps_per_epoch'], 'step')} an epoch, "
            f"on {event['device']} in {event['precision']}."
        )

    def _progress(self, event: Event) -> None:
        phase = "train" if event["phase"] == "train" else "validate"
        if self._draw(
            f"epoch {event['epoch']}/{self._epochs} {phase}", event["batch"], event["batches"], "batch"
        ):
            self._bar.set_postfix_str(f"loss {_number(event['loss'])}", refresh=True)

    def _draw(self, name: str, done: int, total: int, unit: str) -> bool:
        if not sys.stderr.isatty():
            return False
        if self._bar is None or self._bar.desc != f"{name}: ":
            self._close_bar()
            self._bar = tqdm(total=total, desc=name, unit=unit, leave=False, dynamic_ncols=True)
        self._bar.n = done
        self._bar.refresh()
        return True

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def end(self, summary: RunSummary) -> None:
        """The last lines: how it ended, and where everything is."""
        self._close_bar()
        if self._silent:
            return
        best = ""
        if summary.best_value is not None:
            best = f" Best {summary.metric} {summary.best_value:.4f} in epoch {summary.best_epoch}."
        epochs = f"{summary.epoch} {'epoch' if summary.epoch == 1 else 'epochs'}"
        self._say(f"{summary.title} after {epochs}.{best}")
        for line in (summary.cause, summary.cure):
            if line:
                self._say(line)
        self._say(f"Run folder: {summary.folder.path}")
        if summary.model:
            self._say(f"Model:      {summary.model}")
        if summary.report:
            self._say(f"Report:     {summary.report}")


class JobView(TerminalView):
    """Draws a job with a trained model."""

    def show(self, event: Event) -> None:
        """One event as text."""
        if event.type == "job_started" and not self._silent:
            self._say(f"Model {event.get('model')} on {event.get('device')} in {event.get('precision')}.")
        else:
            super().show(event)

    def end(self, summary: RunSummary) -> None:
        """What came of it, and where it is."""
        self._close_bar()
        if self._silent:
            return
        ended = summary.history[-1] if summary.history else None
        for line in (*((ended.get("said") if ended else None) or ()), summary.cause, summary.cure):
            if line:
                self._say(line)
        self._say(f"Results: {summary.folder.path}")
        if summary.report:
            self._say(f"Report:  {summary.report}")


class _GentleInterrupt:
    """Ctrl-C once asks, twice terminates, three times kills; each says what it does."""

    def __init__(self, child: ChildProcess, say: Callable[[str], None]) -> None:
        self._child, self._say, self._count = child, say, 0

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 1:
            self._say("Stopping: the model so far is kept. Press Ctrl-C again to terminate the process.")
            self._child.ask("stop")
        elif self._count == 2:
            self._say("Terminating. Press Ctrl-C again to kill it at once; the last checkpoint stays.")
            self._child.terminate()
        else:
            self._say("Killed.")
            self._child.kill()


def follow(child: ChildProcess, silent: bool, view: TerminalView | None = None) -> RunSummary:
    """Start a job, show what it does until it ends, and return how it ended."""
    tail = EventTail(child.folder.events)
    for _ in tail.read():  # what an earlier attempt did was shown then
        pass
    view = view or TerminalView(silent)
    child.start()
    handler = _GentleInterrupt(child, view._say if not silent else lambda _text: None)
    before = signal.signal(signal.SIGINT, handler)
    terminated = (
        signal.signal(signal.SIGTERM, lambda *_: child.ask("stop")) if hasattr(signal, "SIGTERM") else None
    )
    try:
        while True:
            ended = child.poll() is not None
            for event in tail.read():
                view.show(event)
            if ended:
                break
            time.sleep(0.1)
    finally:
        signal.signal(signal.SIGINT, before)
        if terminated is not None:
            signal.signal(signal.SIGTERM, terminated)
    child.settle()
    summary = summarise(child.folder)
    view.end(summary)
    return summary
