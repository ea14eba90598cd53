"""onnxruntime in a process of its own, which knows neither torch nor Lathe's models. Imports neither."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

_PATIENCE_S = 600.0
_ASK_EVERY_S = 0.2


class OnnxRunError(Exception):
    """onnxruntime refused the model or failed with it; the message says how."""


def _nothing() -> None:
    return None


class OnnxProcess:
    """A model loaded by onnxruntime in a child process.

    >>> with OnnxProcess(Path("model.onnx"), threads=1) as model:   # doctest: +SKIP
    ...     masks = model.run(images)

    Attributes:
        facts: ``onnxruntime`` (version), ``providers``, ``inputs``, ``outputs``, ``metadata``.
    """

    def __init__(self, path: Path, threads: int, go_on: Callable[[], None] = _nothing) -> None:
        """``go_on`` is called while waiting, and may raise to give up.

        Raises:
            OnnxRunError: The model cannot be loaded.
        """
        self._go_on = go_on
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, str(path), threads), daemon=True)
        self._process.start()
        other.close()
        try:
            self.facts: dict[str, Any] = self._answer()
        except BaseException:
            self.close()
            raise

    def run(self, feed: np.ndarray | dict[str, np.ndarray]) -> np.ndarray:
        """The model's output for an input, or for inputs by name, all of the model's own types.

        Raises:
            OnnxRunError: It failed; the process lives on unless it crashed.
        """
        found: np.ndarray = self._ask("run", feed)
        return found

    def seconds(self, feed: np.ndarray | dict[str, np.ndarray], runs: int) -> list[float]:
        """Time of each of ``runs`` runs after two that do not count."""
        found: list[float] = self._ask("time", feed, runs)
        return found

    def _ask(self, *words: Any) -> Any:
        try:
            self._pipe.send(words)
        except (BrokenPipeError, OSError):
            raise OnnxRunError(self._death()) from None
        return self._answer()

    def _answer(self) -> Any:
        until = time.monotonic() + _PATIENCE_S
        while not self._pipe.poll(_ASK_EVERY_S):
            self._go_on()
            if not self._process.is_alive() and not self._pipe.poll(0):
                raise OnnxRunError(self._death())
            if time.monotonic() > until:
                raise OnnxRunError(f"onnxruntime did not answer within {_PATIENCE_S:.0f} seconds.")
        try:
            worked, found = self._pipe.recv()
        except (EOFError, OSError):
            raise OnnxRunError(self._death()) from None
        if not worked:
            raise OnnxRunError(found)
        return found

    def _death(self) -> str:
        self._process.join(5)
        return f"onnxruntime's process ended by itself (exit code {self._process.exitcode})."

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(pipe: Any, path: str, threads: int) -> None:
    """What the child does: load, then answer until the pipe ends."""
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        pipe.send((True, {
            "onnxruntime": onnxruntime.__version__, "providers": session.get_providers(),
            "inputs": [[i.name, i.type, list(i.shape)] for i in session.get_inputs()],
            "outputs": [[o.name, o.type, list(o.shape)] for o in session.get_outputs()],
            "metadata": dict(session.get_modelmeta().custom_metadata_map),
        }))  # fmt: skip
    except Exception as error:
        pipe.send((False, _said(error)))
        return
    while True:
        try:
            word, feed, *rest = pipe.recv()
        except (EOFError, OSError):
            return
        inputs = feed if isinstance(feed, dict) else {name: feed}
        try:
            if word == "run":
                pipe.send((True, session.run(None, inputs)[0]))
            else:
                pipe.send((True, seconds_of(partial(session.run, None, inputs), rest[0])))
        except Exception as error:
            pipe.send((False, _said(error)))


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"onnxruntime: {text[:400] or type(error).__name__}"


def seconds_of(call: Callable[[], Any], runs: int) -> list[float]:
    """Time of each of ``runs`` calls after two that do not count: they find their memory."""
    times = []
    for number in range(runs + 2):
        start = time.perf_counter()
        call()
        if number >= 2:
            times.append(time.perf_counter() - start)
    return times
