"""Longest pause of the window's event loop while a run is shown: a timer of 5 ms, and the largest gap
between two of its ticks.
Other work on the same cores lengthens the pauses: the load at the start is written beside them.

A writer in another process adds 20 batch events a second, an epoch a second and previews to a run that
already has a
million batch points in the view. Beside it the naive way: all points are given to the plot at each event.

    python benchmarks/event_loop_pause.py [--seconds 20] [--points 1000000]
"""

from __future__ import annotations

import argparse
import csv
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BATCHES = 200


def write_live(folder: Path, first_epoch: int, seconds: float) -> None:
    """The job's side: 20 batch events and one epoch a second, a preview every second epoch."""
    from src.core.run import EventWriter, RunFolder, RunFolderError
    from src.core.run.state import claim
    from tests.fakes import epoch_fields, write_preview

    run = RunFolder(folder)
    try:
        lock = run.lock()
    except RunFolderError:
        raise SystemExit("the run is in use") from None
    claim(run)
    writer = EventWriter(run.events)
    best: tuple[float, int] = (0.0, 1)
    end, epoch = time.time() + seconds, first_epoch
    while time.time() < end:
        writer.write("epoch_started", epoch=epoch, epochs=epoch + 100)
        for batch in range(1, 21):
            writer.write(
                "batch_progress",
                epoch=epoch,
                phase="train",
                batch=batch * 10,
                batches=BATCHES,
                loss=0.4,
                terms={},
                lr=1e-3,
                per_second=300.0,
            )
            time.sleep(0.05)
        fields = epoch_fields(epoch, 5000, best, ["background", "object"])
        writer.write("epoch_completed", **fields)
        if epoch % 2 == 0:
            write_preview(run, writer, epoch)
        epoch += 1
    writer.close()
    lock.release()


class Watch:
    """A timer of 5 ms and the gaps between its ticks."""

    def __init__(self) -> None:
        from PyQt5.QtCore import Qt, QTimer

        self.gaps: list[float] = []
        self._last = 0.0
        self.timer = QTimer()
        self.timer.setTimerType(Qt.PreciseTimer)
        self.timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.gaps, self._last = [], time.perf_counter()
        self.timer.start(5)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self._last))
        self._last = now

    def result(self) -> tuple[float, float]:
        """Longest gap and its 99th percentile, in ms."""
        self.timer.stop()
        ordered = sorted(self.gaps)
        return ordered[-1], ordered[int(0.99 * (len(ordered) - 1))]


def wait(seconds: float) -> None:
    """Let the event loop run."""
    from PyQt5.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec_()


def fill(view: Any, points: int) -> None:
    """A million batch points and their epochs, as if they had been watched from the beginning."""
    from src.core.run import Event
    from tests.fakes import epoch_fields

    epochs = points // BATCHES
    series = view.data.batch_loss
    for k in range(points):
        series.append(k / BATCHES, 0.3 + (k * 7919 % 1000) / 1500)
    fields = [
        Event(k, 0.0, "epoch_completed", epoch_fields(k, epochs, (0.5, 1), ["background", "object"]))
        for k in range(1, epochs)
    ]
    view.data.take(fields)
    view.curves.mark({"epochs", "batches"})


def lathe(app: Any, points: int, seconds: float) -> list[tuple[str, float, float]]:
    """The run view: while it is attached to an old run of this length, and while it follows a live one."""
    from src.ui.widgets.run_view import RunView
    from tests.fakes import make_fake_run

    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = make_fake_run(Path(place), epochs=5, batches=BATCHES, ending=None)
        view = RunView()
        view.resize(1100, 760)
        view.show()
        view.show_run(folder)
        wait(1.5)
        fill(view, points)
        wait(2)
        child = subprocess.Popen(
            [
                sys.executable,
                __file__,
                "--write",
                str(folder.path),
                "--first",
                str(points // BATCHES + 1),
                "--seconds",
                str(seconds + 3),
            ]
        )
        wait(2)
        for page, name in ((0, "curves shown"), (1, "previews shown"), (3, "log shown")):
            view.tabs.setCurrentIndex(page)
            wait(0.5)
            watch = Watch()
            watch.start()
            wait(seconds / 3)
            found.append((f"live, {name}", *watch.result()))
        view.close_run()
        child.terminate()
        child.wait()
        view.close()
        found.append(attach(Path(place), points))
    return found


def attach(place: Path, points: int) -> tuple[str, float, float]:
    """An old run of this length is opened."""
    from src.ui.widgets.run_view import RunView
    from tests.fakes import make_fake_run

    folder = make_fake_run(
        place,
        name="2026-01-01_long_unet-resnet18_1",
        epochs=points // BATCHES,
        batches=BATCHES,
        previews=False,
    )
    view = RunView()
    view.resize(1100, 760)
    view.show()
    wait(0.5)
    watch = Watch()
    watch.start()
    view.show_run(folder)
    deadline = time.monotonic() + 120
    while len(view.data.epochs) < points // BATCHES and time.monotonic() < deadline:
        wait(0.2)
    wait(1)
    result = watch.result()
    view.close_run()
    view.close()
    return ("attach to an old run", *result)


def naive(points: int, seconds: float) -> tuple[str, float, float]:
    """The plot gets all points at each event, twenty times a second."""
    import numpy as np
    import pyqtgraph as pg
    from PyQt5.QtCore import QTimer

    plot = pg.PlotWidget()
    plot.resize(1100, 760)
    curve = plot.plot(pen="b")
    x, y = np.arange(points) / BATCHES, np.random.default_rng(0).random(points)
    plot.show()
    timer = QTimer()
    timer.timeout.connect(lambda: curve.setData(x, y))
    timer.start(50)
    wait(0.5)
    watch = Watch()
    watch.start()
    wait(seconds)
    timer.stop()
    result = watch.result()
    plot.close()
    return ("naive: all points at each event", *result)


def main() -> None:
    """Measure and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=18)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_live(options.write, options.first, options.seconds)
        return
    os.environ.setdefault(
        "QT_QPA_PLATFORM", "" if os.environ.get("DISPLAY") or os.name == "nt" else "offscreen"
    )
    from PyQt5.QtCore import QT_VERSION_STR

    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.garbage import GarbageKeeper
    from src.ui.theme import apply_theme
    from src.ui.warmup import FIRST, THEN

    app = make_application([])
    apply_theme(app, "light")
    for name in (*FIRST, *THEN):  # as the window does in the background
        importlib.import_module(name)
    garbage = GarbageKeeper()
    garbage.settle()
    load = f"{os.getloadavg()[0] / (os.cpu_count() or 1):.1f}" if hasattr(os, "getloadavg") else ""
    rows = [*lathe(app, options.points, options.seconds), naive(options.points, 6)]
    garbage.stop()
    stop_all()
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores"
    name = f"event_loop_pause_{machine}_qt{QT_VERSION_STR}.csv"
    target = ROOT / "benchmarks" / "results" / name
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(["situation", "longest_pause_ms", "p99_ms", "points", "load_average_per_core"])
        for situation, longest, usual in rows:
            table.writerow([situation, f"{longest:.1f}", f"{usual:.1f}", options.points, load])
            print(f"{situation:36s} longest {longest:8.1f} ms   99 % {usual:6.1f} ms")
    print(f"written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
