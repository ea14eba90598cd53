"""One object owns one child process, can ask it to stop ever more firmly, and can say in a sentence how it ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from src.core.run import commands
from src.core.run.folder import RunFolder
from src.core.run.state import full_disk, settle

_APP = Path(__file__).resolve().parents[3] / "app.py"


def program() -> list[str]:
    """The command that starts this same program: also inside the packaged executable, which has no app.py."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, str(_APP)]


def tail_of_log(path: Path, lines: int = 6) -> str:
    """The last lines that a job printed, for the sentence that explains its end."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - 8192))
            text = handle.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


#: A line that says what went wrong, as Python and native libraries write it.
_DECISIVE = re.compile(r"(?i)^\S*(error|exception|interrupt)\b.*:|fatal|out of memory|cannot|denied|no space")
_QUOTED = 600
#: What the last words of a process mean, and what helps.
_CURES = (
    (r"(?i)memoryerror|out of memory|cannot allocate|bad_alloc|DefaultCPUAllocator",
     "Memory ran out: choose a smaller batch or image size, or fewer loader workers."),
    (r"(?i)no space left|disk full|ENOSPC|disk quota", "The disk is full: free some space."),
    (r"ModuleNotFoundError|ImportError|DLL load failed|cannot open shared object",
     "A part of the installation is missing or damaged: install the requirements again."),
    (r"(?i)PermissionError|permission denied|access is denied",
     "A file is not allowed to be read or written: correct the permissions of the path that is named."),
    (r"(?i)cuda|cudnn|cublas|nvidia|driver", "The GPU refused: update its driver, or set the device to cpu."),
)  # fmt: skip


def decisive_words(log: Path) -> str:
    """The last lines of a log from the one that says what went wrong; of a traceback, its error without the stack."""
    lines = [line for line in tail_of_log(log, 40).splitlines() if line.strip()]
    flush = [n for n, line in enumerate(lines) if not line.startswith((" ", "\t", "Traceback"))]
    start = next((n for n in reversed(flush) if _DECISIVE.search(lines[n])), len(lines) - 1)
    text = " / ".join(line.strip() for line in lines[max(0, start) :][:4])
    return text if len(text) <= _QUOTED else text[:_QUOTED].rstrip() + "…"


def explain(returncode: int, log: Path) -> tuple[str, str]:
    """How a process ended, and what to do about it, when it wrote no ending itself."""
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        if name == "SIGKILL":
            return (
                "The process was killed from outside (SIGKILL): by a person, or by the system because memory ran out.",
                "Resume goes on from the last checkpoint. If memory ran out, choose a smaller batch or image size.",
            )
        if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"):
            return (
                f"The process crashed ({name}), which a driver or a native library does, not the data.",
                "Resume goes on from the last checkpoint. If it happens again, update the GPU driver or train on the CPU.",
            )
        return f"The process was ended from outside ({name}).", "Resume goes on from the last checkpoint."
    last = decisive_words(log)
    if not last and (found := full_disk(log.parent)):
        return found
    said = f"Its last words: “{last}”." if last else "It printed nothing."
    cure = next(
        (cure for pattern, cure in _CURES if re.search(pattern, last)),
        "If it ends so again, start it on the CPU or with 0 loader workers, to rule both out.",
    )
    return (
        f"The process ended with exit code {returncode} before it could write down why. {said}",
        f"{cure} Resume then goes on from the last checkpoint.",
    )


class ChildProcess:
    """A job in a child process of this program.

    Attributes:
        folder: The run that it works on.
        detached: It outlives this process (the window). Otherwise it ends when this process ends (the command line).
    """

    def __init__(
        self,
        folder: RunFolder,
        verb: str = "train",
        *,
        detached: bool,
        resume: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``environment`` holds variables beside those of this process."""
        self.folder = folder
        self.detached = detached
        self._environment = dict(environment or {})
        self._verb = verb
        self._resume = resume
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process number, once started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; every word it prints goes to the run's log.

        Raises:
            OSError: The log cannot be written, or the system refuses another process.
        """
        commands.clear(self.folder)
        words = [*program(), "_job", self._verb, str(self.folder.path)]
        if self._resume:
            words.append("--resume")
        if not self.detached:
            words.append("--follow-parent")
        environment = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8") | self._environment
        with self.folder.log.open("ab") as log:
            self._process = self._spawn(words, log, environment)

    def _spawn(
        self, words: list[str], log: IO[bytes], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C in the terminal reaches this process only, which then asks the job to stop.
        stdin = subprocess.DEVNULL if self.detached else subprocess.PIPE
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            return subprocess.Popen(
                words, stdin=stdin, stdout=log, stderr=log, env=environment, creationflags=flags
            )
        return subprocess.Popen(
            words, stdin=stdin, stdout=log, stderr=log, env=environment, start_new_session=self.detached,
            process_group=None if self.detached else 0,
        )  # fmt: skip

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._process.poll() if self._process else None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end; None when the time is up first."""
        try:
            return self._process.wait(timeout) if self._process else None
        except subprocess.TimeoutExpired:
            return None

    def ask(self, command: commands.Command) -> None:
        """First step of stopping: ask."""
        commands.send(self.folder, command)

    def terminate(self) -> None:
        """Second step: a signal that the job takes as “stop now and keep” (Windows: ends it at once)."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Last step: end it at once. The last checkpoint stays."""
        if self._process and self._process.poll() is None:
            self._process.kill()

    def settle(self) -> None:
        """After the end: make sure that the log says how it ended."""
        code = self.poll()
        if code is not None:
            if self._process and self._process.stdin:
                self._process.stdin.close()
            settle(self.folder, *explain(code, self.folder.log), status="killed" if code < 0 else "failed")
