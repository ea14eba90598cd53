"""Child processes that print lines: started without a window, and read in a thread of their own."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from typing import IO

#: A line, or None at the end of the output.
Lines = queue.Queue[bytes | None]


def spawn(words: list[str], stderr: IO[bytes], *, asks: bool = False) -> subprocess.Popen[bytes]:
    """Start a child whose output can be read; ``asks``: it is written to as well.

    Raises:
        OSError: The system refuses another process.
    """
    environment = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8")
    return subprocess.Popen(
        words, stdin=subprocess.PIPE if asks else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        env=environment, creationflags=int(getattr(subprocess, "CREATE_NO_WINDOW", 0)),
    )  # fmt: skip


def forward(child: subprocess.Popen[bytes], lines: Lines, name: str) -> None:
    """Put every line of a child into a queue, and None at the end; waits where the queue is full."""
    stream = child.stdout
    assert stream is not None

    def read() -> None:
        with stream:
            for line in stream:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name=name, daemon=True).start()
