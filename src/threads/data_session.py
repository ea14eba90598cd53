"""Asks the data job, a child process: what lies in a folder, to import, to export, which groups a key makes."""

from __future__ import annotations

import contextlib
import json
import math
import queue
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.run import process
from src.threads.child_lines import Lines, forward, spawn
from src.threads.worker import Worker

_PROGRESS_EVERY_S = 0.1
_TICK_S = 0.05
#: Seconds for the job to take away what it has half written, before it is killed.
_GRACE_S = 5.0


class DataSession(Worker):
    """One child process that answers requests until `stop`. Each request is answered by exactly one of `answered`
    and `failed`, unless it was cancelled: then by none.

    Signals:
        progress(int, int, int, str): Number of the request, done, total, what; at most ten times a second.
        answered(int, dict): Number of the request, and what the job found.
        failed(int, str, list): Number of the request, why there is no answer and what to do, findings as mappings.
    """

    progress = pyqtSignal(int, int, int, str)
    answered = pyqtSignal(int, dict)
    failed = pyqtSignal(int, str, list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked: queue.Queue[dict[str, Any]] = queue.Queue()
        self._limits: dict[int, float] = {}  # of the requests that wait for an answer
        self._number = 0
        self._cancel = threading.Event()
        self._reported = 0.0

    def ask(self, do: str, limit_s: float = 0.0, **values: Any) -> int:
        """Put a request; returns its number. ``limit_s``: seconds without a sign after which it is given up; 0 waits."""
        self._number += 1
        self._limits[self._number] = limit_s
        self._asked.put({"id": self._number, "do": do, **values})
        return self._number

    def cancel(self) -> None:
        """End what is worked on and forget what waits; nothing is emitted for either."""
        self._limits.clear()
        while not self._asked.empty():
            with contextlib.suppress(queue.Empty):
                self._asked.get_nowait()
        self._cancel.set()

    def work(self) -> None:
        """Start the job when there is something to ask; start it anew when it was given up."""
        while not self.ending:
            if self._asked.empty():
                self.pause_for(_TICK_S)
            else:
                self._serve()

    def crashed(self, error: Exception) -> None:
        """The job could not even be started."""
        for number in list(self._limits):
            self._fail(number, f"The data job could not be run: {error}.")

    def _serve(self) -> None:
        with tempfile.TemporaryDirectory(prefix="lathe-data-", ignore_cleanup_errors=True) as folder:
            errors = Path(folder) / "errors.txt"
            with errors.open("wb") as stderr:
                child = spawn([*process.program(), "_job", "data"], stderr, asks=True)
            lines = Lines()
            forward(child, lines, "data")
            try:
                unanswered, reason = self._converse(child, lines)
            finally:
                _end(child)
            if not reason:
                words = process.decisive_words(errors)
                reason = f"The data job ended with exit code {child.returncode} and without an answer."
                reason += f" Its last words: “{words}”." if words else ""
            self._fail(unanswered, reason)

    def _converse(self, child: subprocess.Popen[bytes], lines: Lines) -> tuple[int, str]:
        """Send one request after the other until the job or the worker ends; returns the number of the one without
        an answer (0: none), and why the job is given up where it did not end by itself.
        """
        sent, until, limit = 0, math.inf, 0.0
        while not self.ending:
            if not sent and not self._asked.empty():
                with contextlib.suppress(queue.Empty):  # taken back by `cancel`
                    request = self._asked.get_nowait()
                    self._cancel.clear()
                    sent, limit = request["id"], self._limits.get(request["id"], 0.0)
                    until = time.monotonic() + limit if limit else math.inf
                    _send(child, request)
            elif sent and self._cancel.is_set() and sent not in self._limits:
                self._cancel.clear()
                _send(child, {"do": "cancel"})
                until, limit = time.monotonic() + _GRACE_S, 0.0
            try:
                line = lines.get(timeout=_TICK_S)
            except queue.Empty:
                if time.monotonic() > until:
                    child.kill()
                    return sent, "It takes too long; it was given up."
                continue
            if line is None:
                return sent, ""
            answered, sign = self._take(line, sent)
            if answered:
                sent, until = 0, math.inf
            elif sign and limit:
                until = time.monotonic() + limit
        return 0, ""

    def _take(self, line: bytes, sent: int) -> tuple[bool, bool]:
        """Pass on what the job says; returns whether it was the answer, and whether it was a sign of life."""
        try:
            said = json.loads(line)
            if said["id"] != sent:
                return False, False
        except (ValueError, KeyError, TypeError):  # a library's word on stdout
            return False, False
        if "progress" in said:
            now = time.monotonic()
            if sent in self._limits and now - self._reported >= _PROGRESS_EVERY_S:
                self._reported = now
                done, total, what = said["progress"]
                self.progress.emit(sent, int(done), int(total), str(what))
            return False, True
        if "answer" not in said:
            self._fail(sent, str(said.get("error") or ""), list(said.get("findings") or []))
        elif self._limits.pop(sent, None) is not None:
            self.answered.emit(sent, said["answer"])
        return True, True

    def _fail(self, number: int, reason: str, findings: list[dict[str, Any]] | None = None) -> None:
        if self._limits.pop(number, None) is not None and not self.ending:
            self.failed.emit(number, reason, findings or [])


def _send(child: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):  # the job is gone: told where its lines end
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()


def _end(child: subprocess.Popen[bytes]) -> None:
    """The end of its input lets the job end by itself; what does not end is killed."""
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
