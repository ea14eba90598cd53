"""The processes of the other devices of a training, on one machine: the process of the first one starts, hears and ends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from src.core.run.places import Place, environment_of
from src.core.run.process import program

#: What a process prints before it ends by itself because something is wrong: a mark, then JSON with cause and cure.
FAILED = "LATHE-FAILED "
#: Exit code of a process that went on until it lost the connection: the cause is another one.
CUT_OFF = 3
#: Seconds for a process to come to its own end, before it is ended.
PATIENCE_S = 10.0
#: Seconds for the first process to notice by itself that another one is gone: its computation then fails.
NOTICE_S = 15.0
_EVERY_S = 0.1


class DeviceLostError(RuntimeError):
    """The process of another device ended; the message says which, and why as far as is known.

    Attributes:
        cure: What to do.
    """

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


@dataclass
class _Other:
    """One process, with what it said when it failed and the last line that it printed."""

    place: Place
    process: subprocess.Popen[bytes]
    reader: threading.Thread | None = None
    failed: str = ""
    last: str = ""


class DeviceProcesses:
    """Starts one process for each device but the first, which is the caller's own.

    What they print goes to this process's output, with their number before each line. They see by their standard input when
    this process is gone, however it went, and then end at once. When one of them ends too early and this process does not
    notice by itself, since its computation waits for that device for ever, ``give_up`` is called, from another thread.
    """

    def __init__(self, size: int, port: int, give_up: Callable[[DeviceLostError], None]) -> None:
        """``port`` of this machine is where they meet; ``size`` counts the first device too."""
        self._size, self._port, self._give_up = size, port, give_up
        self._others: list[_Other] = []
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._lost: DeviceLostError | None = None

    def start(self) -> None:
        """Start them all.

        Raises:
            OSError: The system refuses another process; those that run already are ended.
        """
        try:
            for rank in range(1, self._size):
                self._others.append(self._started(rank))
        except OSError:
            self.close()
            raise
        self._watcher = threading.Thread(target=self._watch, name="devices", daemon=True)
        self._watcher.start()

    def _started(self, rank: int) -> _Other:
        place = Place(rank, self._size, rank, self._size, 0, 1, "lathe")
        environment = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8")
        environment |= environment_of(place, "127.0.0.1", self._port)
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW
        process = subprocess.Popen(
            [*program(), "_job", "device"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, creationflags=flags,
        )  # fmt: skip
        other = _Other(place, process)
        assert process.stdout is not None
        other.reader = threading.Thread(
            target=self._read, args=(other, process.stdout), name=f"device {rank + 1}", daemon=True
        )
        other.reader.start()
        return other

    @property
    def pids(self) -> list[int]:
        """Their process numbers."""
        return [other.process.pid for other in self._others]

    def _read(self, other: _Other, output: IO[bytes]) -> None:
        for raw in output:
            line = raw.decode("utf-8", "replace").rstrip()
            if line.startswith(FAILED):
                other.failed = line.removeprefix(FAILED)
                continue
            other.last = line or other.last
            print(f"[device {other.place.rank + 1}] {line}", flush=True)

    def _watch(self) -> None:
        while not self._closing.wait(_EVERY_S):
            if not any(o.process.poll() for o in self._others):
                continue
            self._closing.wait(0.5)  # others may follow, and only one of them is the cause
            gone = [o for o in self._others if o.process.poll()]
            first = min(gone, key=lambda o: o.process.returncode == CUT_OFF)
            if first.reader is not None:
                first.reader.join(1.0)
            self._lost = _reason(first)
            if not self._closing.wait(NOTICE_S):
                self._give_up(self._lost)
            return

    def lost(self, wait_s: float = 5.0) -> DeviceLostError | None:
        """Why a process of these ended too early; None where none did, also within ``wait_s``."""
        deadline = time.monotonic() + wait_s
        while self._lost is None and time.monotonic() < deadline and self._others:
            time.sleep(_EVERY_S / 2)
        return self._lost

    def close(self, at_once: bool = False) -> None:
        """Wait until all have come to their end, or end them ``at_once``; safe to call twice."""
        self._closing.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        deadline = time.monotonic() + (0.0 if at_once else PATIENCE_S)
        for other in self._others:
            _wait(other.process, deadline)
            assert other.process.stdin is not None
            other.process.stdin.close()  # which ends it
        deadline = time.monotonic() + 2.0
        for other in self._others:
            process = other.process
            if not _wait(process, deadline):
                process.kill()
            process.wait()
            if other.reader is not None:
                other.reader.join()
            if process.stdout is not None:
                process.stdout.close()
        self._others = []


def _wait(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _reason(other: _Other) -> DeviceLostError:
    who = other.place.words()
    if other.failed:
        said = json.loads(other.failed)
        return DeviceLostError(f"On {who}: {said['cause']}", said["cure"])
    code = other.process.returncode
    how = f"was killed from outside (signal {-code})" if code < 0 else f"ended with exit code {code}"
    words = f" Its last words: “{other.last[:300]}”." if other.last else ""
    return DeviceLostError(
        f"The process of {who} {how}, so the others were ended too.{words}",
        "Resume goes on from the last checkpoint. If memory ran out, choose a smaller batch or image size.",
    )
