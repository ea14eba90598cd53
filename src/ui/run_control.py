"""Giving orders to a run: asked through its folder, ever more firmly to its process. Works for runs of any
window."""

from __future__ import annotations

import socket

import psutil

from src.core.report.text import typed
from src.core.run import RunFolder, process_alive
from src.core.run.commands import send

#: What each step of stopping costs, for the person who decides.
LOSSES = {
    "finish_epoch": "Finishes the epoch that runs now, keeps the model, then ends. Nothing is lost.",
    "stop": "Saves exactly where it is and ends. Nothing is lost; the run can be resumed.",
    "pause": "Saves exactly where it is and frees the GPU. Resume goes on from this very step.",
    "terminate": "Tells the process itself to end. It may still save; if not, the work "
    "since the last checkpoint is lost.",
    "kill": "Ends the process at once. The work since the last checkpoint is lost; what was saved "
    "before stays.",
}


class RunControlError(Exception):
    """An order that cannot be given; the message says why and what to do."""


def _process(folder: RunFolder) -> psutil.Process:
    job = folder.read_json(folder.job)
    host = job.get("host")
    if host and host != socket.gethostname():
        raise RunControlError(
            f"The run {folder.name} works on another machine ({host}). From here it can only be asked "
            "to stop; "
            f"to force it, sign in there and type “{typed('stop', folder.path)}”."
        )
    if not process_alive(folder):
        raise RunControlError(f"No process works on the run {folder.name} any more.")
    try:
        return psutil.Process(int(job["pid"]))
    except (psutil.Error, KeyError, ValueError):
        raise RunControlError(f"No process works on the run {folder.name} any more.") from None


def ask(folder: RunFolder, command: str) -> None:
    """Ask the job: ``finish_epoch``, ``pause`` or ``stop``.

    Raises:
        RunControlError: The run folder cannot be written.
    """
    try:
        send(folder, command)  # type: ignore[arg-type]
    except OSError as error:
        raise RunControlError(
            f"The order could not be written into {folder.path}: {error.strerror or error}. "
            "Mend the permissions of the "
            "folder or free some space, or use Force."
        ) from None


def terminate(folder: RunFolder) -> None:
    """Tell the process to end (Windows: ends it at once).

    Raises:
        RunControlError: It is gone, on another machine, or belongs to somebody else.
    """
    _signal(folder, kill=False)


def kill(folder: RunFolder) -> None:
    """End the process at once.

    Raises:
        RunControlError: It is gone, on another machine, or belongs to somebody else.
    """
    _signal(folder, kill=True)


def _signal(folder: RunFolder, kill: bool) -> None:
    process = _process(folder)
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise RunControlError(
            f"The process {process.pid} of the run {folder.name} belongs to another user, who has to end it."
        ) from None
