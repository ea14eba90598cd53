"""What every test shares: no screen is needed, and nothing may be left behind.

A test fails when it leaves a running thread, an active timer or a top-level window, and the message says
where that was
started. Warnings of Qt fail a test through pytest-qt (``qt_log_level_fail`` in pyproject.toml).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shutil
import tempfile
import threading
import time
import traceback
import weakref
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Networks of the tests are too small for threads to help; on a busy machine waiting for each other takes most of the time
os.environ.setdefault("OMP_NUM_THREADS", "1")
if not os.environ.get("XDG_RUNTIME_DIR"):
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="lathe-tests-")
    atexit.register(shutil.rmtree, os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PyQt5.QtWidgets import QApplication


def pytest_configure(config: pytest.Config) -> None:
    """The offscreen platform says of itself what it cannot do; that is no fault of the window."""
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")
    config.addinivalue_line("qt_log_ignore", "PulseAudioService: ")  # a machine without a sound server


#: Seconds after which a collection of garbage has looked at more than a test can have made.
_LONG_S = 0.1


def _collect() -> None:
    """Collect garbage; where that took long, leave what is there now out of all collections that follow.

    It is done after each test, to see what was left behind. To look each time at the millions of objects that torch and its
    like make when they are imported or export a model took a quarter of the whole suite's time.
    """
    began = time.perf_counter()
    gc.collect()
    if time.perf_counter() - began > _LONG_S:
        gc.freeze()


def pytest_collection_finish() -> None:
    """All test modules are imported now, and torch with them."""
    _collect()


def pytest_unconfigure() -> None:
    """Libraries that count their objects at the end find them gone."""
    gc.unfreeze()


#: Threads of libraries that live as long as the process.
_LASTING = (
    "pytest_timeout",
    "tqdm",
    "QueueFeederThread",
    "ThreadPoolExecutor",
    "pydevd",
    "asyncio_",
    "OMP",
    "pin_memory",
)
_born: dict[int, tuple[weakref.ref[QObject], str]] = {}
_threads_born: weakref.WeakKeyDictionary[threading.Thread, str] = weakref.WeakKeyDictionary()


def _where() -> str:
    frames = [f for f in traceback.extract_stack()[:-2] if "site-packages" not in f.filename]
    return "".join(traceback.format_list(frames[-3:])).rstrip()


def _noting(kind: type, name: str) -> None:
    original = getattr(kind, name)

    def start(self: QObject, *args: object) -> object:
        _born[id(self)] = (weakref.ref(self), _where())
        return original(self, *args)

    setattr(kind, name, start)


_noting(QThread, "start")
_noting(QTimer, "start")
_thread_start = threading.Thread.start


def _start_thread(self: threading.Thread) -> None:
    _threads_born[self] = _where()
    _thread_start(self)


threading.Thread.start = _start_thread  # type: ignore[method-assign]


def _alive() -> list[tuple[QObject, str]]:
    found = []
    for key, (reference, where) in list(_born.items()):
        thing = reference()
        if thing is None or sip.isdeleted(thing):
            _born.pop(key, None)
        elif (isinstance(thing, QThread) and thing.isRunning()) or (
            isinstance(thing, QTimer) and thing.isActive()
        ):
            found.append((thing, where))
    return found


def _python_threads() -> set[threading.Thread]:
    kept = {t for t in threading.enumerate() if not any(t.name.startswith(name) for name in _LASTING)}
    return {t for t in kept if t is not threading.main_thread() and not isinstance(t, threading._DummyThread)}


def _settle(app: QCoreApplication) -> None:
    _collect()
    for _ in range(3):
        app.sendPostedEvents(None, QEvent.DeferredDelete)
        app.processEvents()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a thread, a timer or a window behind."""
    app = QApplication.instance()
    windows = set(map(id, app.topLevelWidgets())) if isinstance(app, QApplication) else set()
    before = {id(thing) for thing, _ in _alive()}
    threads = _python_threads()
    yield
    left: list[str] = []
    deadline = time.monotonic() + 2.0
    while True:
        app = QApplication.instance()
        if app:
            _settle(app)
        left = [
            f"{type(t).__name__} left running; it was started here:\n{w}"
            for t, w in _alive()
            if id(t) not in before
        ]
        for thread in _python_threads() - threads:
            left.append(
                f"Thread “{thread.name}” left running; started here:\n"
                f"{_threads_born.get(thread, '(unknown)')}"
            )
        if isinstance(app, QApplication):
            for widget in app.topLevelWidgets():
                if id(widget) not in windows and widget.isVisible():
                    left.append(
                        f"A top-level window was left open: {type(widget).__name__} “{widget.windowTitle()}”"
                    )
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if left:
        for thing, _ in _alive():  # do not let it spoil the tests that follow
            with contextlib.suppress(RuntimeError):
                thing.stop() if isinstance(thing, QTimer) else thing.requestInterruption()
        pytest.fail(f"{request.node.name} left something behind.\n" + "\n".join(left), pytrace=False)


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and runs of a test never touch those of the person who runs it; a test's own ``undo()`` changes nothing."""
    place = tmp_path_factory.mktemp("lathe")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATHE_SETTINGS", str(place / "settings.ini"))
        patch.setenv("LATHE_WORKSPACE", str(place / "workspace"))
        yield
    shutil.rmtree(place, ignore_errors=True)


_disk_usage = shutil.disk_usage


def _plenty(place: Any) -> Any:
    return type(_disk_usage(place))(250 * 10**9, 50 * 10**9, 200 * 10**9)


@pytest.fixture(autouse=True)
def room_on_the_disk() -> Iterator[None]:
    """A cache keeps a reserve of the disk free; whether it is built must not depend on how full this one is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", _plenty)
        yield
