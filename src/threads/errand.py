"""One thing that takes a while, done in a thread: its result, or a sentence why there is none, comes as a signal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.threads.worker import Worker

log = logging.getLogger(__name__)


class Errand(Worker):
    """Calls a function once. After `stop` nobody is told what came of it.

    Signals:
        done(object): What the function returned.
        failed(str): What happened and what to do about it.
    """

    done = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, work: Callable[[], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._call = work

    def run(self) -> None:
        """Errors that are sentences for people (OSError, ValueError, those with a cure) are told as they are; any
        other is a fault of the program and is logged too.
        """
        try:
            result = self._call()
        except Exception as error:
            if not self.ending:
                self.failed.emit(_sentence(error))
            return
        if not self.ending:
            self.done.emit(result)


def _sentence(error: Exception) -> str:
    cure = getattr(error, "cure", None)
    if cure is not None or isinstance(error, ValueError):
        return f"{error} {cure or ''}".strip()
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
    log.error("An errand failed", exc_info=error)
    return f"This failed by a fault of the program ({type(error).__name__}: {error})."
