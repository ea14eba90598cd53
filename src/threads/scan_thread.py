"""Checks a configuration against its data in a child process; the window neither waits nor reads images."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.config import Resolved, dump_yaml
from src.core.run import process
from src.threads.child_lines import Lines, forward, spawn
from src.threads.worker import Worker

_PROGRESS_EVERY_S = 0.1
#: Lines that were read and not yet understood; the job waits when there are more.
_LINES_AHEAD = 64


class ScanThread(Worker):
    """Runs the check job once. Exactly one of `done` and `failed` is emitted, unless it was cancelled: then
    none.

    Signals:
        progress(int, int, str): Done, total, what; at most ten times a second.
        done(dict): ``description`` (of the data set), ``findings`` and ``resolved``, as the job printed them;
            of data that cannot be used only ``findings``, one of them an error. ``description["samples"]`` is a
            `SampleTable`, made here line by line: the samples are never held twice, and no step takes long.
        failed(str): Why there is no answer, and what to do.
    """

    progress = pyqtSignal(int, int, str)
    done = pyqtSignal(dict)
    failed = pyqtSignal(str)

    def __init__(self, config: str | Resolved[Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = config if isinstance(config, str) else dump_yaml(config)
        self._reported = 0.0
        self._table: Any = None
        self._findings: list[dict[str, Any]] = []

    def cancel(self) -> None:
        """End the check; nothing is emitted any more."""
        self.stop()

    def work(self) -> None:
        """Start the job, pass on what it prints, wait for its end."""
        with tempfile.TemporaryDirectory(prefix="lathe-check-", ignore_cleanup_errors=True) as folder:
            config = Path(folder) / "config.yaml"
            errors = Path(folder) / "errors.txt"
            config.write_text(self._text, encoding="utf-8")
            with errors.open("wb") as stderr:
                child = spawn([*process.program(), "_job", "check", str(config)], stderr)
            try:
                answer = self._listen(child)
            finally:
                child.kill()
                child.wait()
            if not self.ending:
                self._answer(answer, child.returncode, process.tail_of_log(errors, 3))

    def crashed(self, error: Exception) -> None:
        """The job could not even be started."""
        if not self.ending:
            self.failed.emit(f"The check could not be run: {error}.")

    def _listen(self, child: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        lines = Lines(_LINES_AHEAD)
        forward(child, lines, "check")
        answer, at_end = None, False
        try:
            while not self.ending and not at_end:
                try:
                    line = lines.get(timeout=0.1)
                except queue.Empty:
                    continue
                if line is None:
                    at_end = True
                    child.wait()
                else:
                    answer = self._take(line) or answer
            return answer if at_end else None
        finally:
            if not at_end:
                child.kill()
                _drain(lines)

    def _take(self, line: bytes) -> dict[str, Any] | None:
        try:
            value = json.loads(line)
        except ValueError:  # a library's word on stdout
            return None
        if not isinstance(value, dict):
            return None
        if "samples" in value or "look" in value:
            self._gather(value)
            return None
        if "finding" in value:
            self._findings.append(value["finding"])
            return None
        if "progress" not in value:
            return value
        done, total, what = value["progress"]
        now = time.monotonic()
        if now - self._reported >= _PROGRESS_EVERY_S:
            self._reported = now
            self.progress.emit(int(done), int(total), str(what))
        return None

    def _gather(self, line: dict[str, Any]) -> None:
        from src.core.dataset.contract import Look
        from src.core.dataset.sample_table import SampleTable

        if "look" in line:
            self._table = SampleTable(Look.from_dict(line["look"]))
            return
        if self._table is None:
            self._table = SampleTable()
        self._table.append(line["samples"], line["rows"])

    def _answer(self, answer: dict[str, Any] | None, code: int, said: str) -> None:
        if answer is None:
            words = f" Its last words: “{said}”." if said else ""
            self.failed.emit(
                f"The check of the data ended with exit code {code} and without an answer.{words}"
            )
            return
        answer["findings"] = [*self._findings, *(answer.get("findings") or [])]
        if self._table is not None and "description" in answer:
            answer["description"]["samples"] = self._table.prepare()
        if "error" in answer and not answer["findings"]:
            self.failed.emit(str(answer["error"]))
        else:
            self.done.emit(answer)


def _drain(lines: Lines) -> None:
    """Let the forwarding thread end: it may wait for room in the queue."""
    while True:
        try:
            if lines.get(timeout=2.0) is None:
                return
        except queue.Empty:
            return
