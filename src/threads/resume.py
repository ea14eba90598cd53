"""Going on with a run whose process has ended."""

from __future__ import annotations

from pathlib import Path

from src.core.run import ChildProcess, RunFolder, RunFolderError, settle, summarise

#: Processes that nobody waits for. The system keeps the remains of an ended process until its parent asks for
#: them.
_kept: list[ChildProcess] = []


def keep(child: ChildProcess) -> ChildProcess:
    """Hold a process that goes on by itself, and let go of those that have ended."""
    _kept[:] = [other for other in _kept if other.poll() is None] + [child]
    return child


def prepare_resume(folder: RunFolder | Path | str) -> RunFolder:
    """Make sure that a run can be resumed, and write its ending where its process died without one.

    Raises:
        RunFolderError: There is no such run, a process works on it, or it has nothing left to do.
    """
    run = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    found = summarise(run)
    if found.alive:
        raise RunFolderError(f"The run {run.name} is still running; stop or pause it before it is resumed.")
    if not found.resumable:
        raise RunFolderError(f"The run {run.name} is completed: there is nothing left to resume.")
    if found.state == "killed":
        settle(run, found.cause, found.cure)
    run.lock().release()
    return run


def resume_run(folder: RunFolder | Path | str) -> ChildProcess:
    """Start a process that goes on with a run; it outlives the window. Follow it with `RunFollower`.

    Raises:
        RunFolderError: There is no such run, a process works on it, or it has nothing left to do.
        OSError: The process cannot be started.
    """
    child = ChildProcess(prepare_resume(folder), detached=True, resume=True)
    child.start()
    return keep(child)
