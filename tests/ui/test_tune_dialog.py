"""The window that measures: plots, what is applied and kept, and that a cancelled measurement leaves nothing behind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import Qt

from src.core.config import ConfigError, Layer, nest, resolve
from src.core.run import workspace
from src.core.run.tuned import measured
from src.tasks.catalog import task_info
from src.threads.tune_thread import TuneThread
from src.ui.dialogs.train_config_dialog import TrainConfigDialog
from src.ui.dialogs.tune_dialog import TuneDialog
from src.ui.widgets.tune_batch import KEY as SIZE
from src.ui.widgets.tune_rate import KEY as RATE
from tests.fake_jobs import job, until

__all__ = ["job", "until"]
INFO = task_info("segmentation")
CURVE = [{"lr": 10 ** (-7 + k / 10), "loss": 1.0 - k / 100, "smooth": 1.0 - k / 110} for k in range(60)]
SIZES = [
    {"batch_size": 2**k, "seconds": 0.1, "images_per_second": 10.0 * k, "memory_mb": 100.0 * k}
    for k in (1, 2, 3)
]


def configuration(tmp_path: Path) -> Any:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir(exist_ok=True)
    values = {"data.images_dir": str(tmp_path / "images"), "data.masks_dir": str(tmp_path / "masks")}
    return resolve(INFO.config, [Layer("file", nest(values))])


@pytest.fixture
def dialog(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TuneDialog]:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    made = TuneDialog(lambda: configuration(tmp_path), INFO)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def test_the_point_of_the_range_test_is_moved_and_applied(dialog: TuneDialog, qtbot: Any) -> None:
    page = dialog.rate
    assert not page.apply.isEnabled() and page.apply.toolTip() == "Nothing was measured yet"
    page.begin()
    page.add_row(CURVE[0])
    assert page.plot.rows == CURVE[:1] and not page.measure.isVisible() and page.cancel.isVisible()
    page.finish({"status": "completed", "curve": CURVE, "values": {RATE: 1e-3}, "lowest_loss_at": 0.05})
    assert page.plot.rate == 1e-3 and page.rate.text() == "0.001" and "0.05" in page.said.text()
    line = page.plot._line
    assert line is not None and line.value() == pytest.approx(-3) and line.movable

    line.setValue(math.log10(2e-4))  # what dragging does
    assert page.values == {RATE: 2e-4} and page.rate.text() == "2e-4"
    page.rate.selectAll()
    qtbot.keyClicks(page.rate, "0.003")
    assert page.values == {RATE: 0.003} and page.plot.rate == 0.003
    assert line.value() == pytest.approx(math.log10(0.003))
    with qtbot.waitSignal(dialog.chosen) as chosen:
        page.apply.click()
    assert chosen.args == [{RATE: 0.003}]
    page.rate.clear()
    qtbot.keyClicks(page.rate, "x")
    assert not page.apply.isEnabled()


def test_a_loss_that_never_falls_suggests_nothing(dialog: TuneDialog) -> None:
    page = dialog.rate
    page.finish({"status": "completed", "curve": CURVE, "values": {}, "lowest_loss_at": None})
    assert "never falls" in page.said.text() and not page.apply.isEnabled() and not page.rate.isEnabled()


def test_another_of_the_batch_sizes_can_be_chosen(dialog: TuneDialog, qtbot: Any) -> None:
    page = dialog.batch
    page.finish({"status": "completed", "curve": SIZES, "values": {SIZE: 4}, "ended": "memory was short",
                 "device_type": "cpu"})  # fmt: skip
    assert page.values == {SIZE: 4} and page.speed.size == page.memory.size == 4
    assert "memory was short" in page.said.text() and "processor" in page.said.text()
    page.box.setCurrentIndex(page.box.findData(8))
    page.box.activated.emit(page.box.currentIndex())
    with qtbot.waitSignal(dialog.chosen) as chosen:
        page.apply.click()
    assert chosen.args == [{SIZE: 8}]


def test_the_machine_is_kept_only_when_the_person_says_so(dialog: TuneDialog, qtbot: Any) -> None:
    page, key = dialog.machine, "host | CPU | torch 1"
    ways = [
        {
            "training.precision": "fp32",
            "training.channels_last": last,
            "seconds": s,
            "images_per_second": 8 / s,
        }
        for last, s in ((True, 0.1), (False, 0.2))
    ]
    reading = [{"data.workers": n, "images_per_second": 50.0 * (n + 1)} for n in (0, 1)]
    values = {"training.precision": "fp32", "training.channels_last": True, "data.workers": 1}
    page.finish({"status": "completed", "kind": "machine", "machine": key, "computing": ways, "reading": reading,
                 "values": values, "not_measured": ["float16 was not measured: no GPU."]})  # fmt: skip
    texts = [[page.model.index(r, c).data() for c in range(5)] for r in range(page.model.rowCount())]
    assert [row[1:3] for row in texts] == [
        ["32 bit, channels last", "80.0"], ["32 bit, channels first", "40.0"], ["no workers", "50.0"], ["1 worker", "100.0"],
    ]  # fmt: skip
    assert [row[4] for row in texts] == [
        "fastest, chosen",
        "50% of the fastest",
        "50% of the fastest",
        "fastest, chosen",
    ]
    assert page.missing.text() == "float16 was not measured: no GPU." and measured(key) == {}

    rows = [{"training.compile": on, "seconds": s, "images_per_second": 8 / s, "compile_seconds": t}
            for on, s, t in ((False, 0.1, 0.0), (True, 0.05, 40.0))]  # fmt: skip
    page.finish({"status": "completed", "kind": "compile", "machine": key, "compiling": rows, "gain": 2.0,
                 "values": {"training.compile": True}})  # fmt: skip
    assert "50%" in page.said.text() and "40 s" in page.said.text() and page.model.rowCount() == 6
    qtbot.mouseClick(page.keep, Qt.LeftButton)
    assert measured(key) == {**values, "training.compile": True} and "Kept" in page.said.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        page.apply.click()
    assert chosen.args == [{**values, "training.compile": True}]


def test_one_measurement_at_a_time_and_cancel_leaves_nothing(
    dialog: TuneDialog, job: Any, until: Callable[..., None]
) -> None:
    job("waits")
    dialog.rate.measure.click()
    thread = dialog.thread
    assert thread is not None and not dialog.batch.measure.isEnabled()
    dialog.start(dialog.batch, "batch")
    assert dialog.thread is thread
    until(lambda: dialog.rate.doing.text().startswith("Working"))
    assert list((workspace() / "tuning").iterdir())
    dialog.rate.cancel.click()
    until(lambda: dialog.thread is None and thread.isFinished())
    assert dialog.rate.said.text() == "Cancelled: nothing was kept." and dialog.batch.measure.isEnabled()
    assert not (workspace() / "tuning").exists()


def test_closing_ends_the_measurement(dialog: TuneDialog, job: Any, until: Callable[..., None]) -> None:
    job("waits")
    dialog.machine.compiling.click()
    thread = dialog.thread
    assert thread is not None and thread.verb == "tune-compile"
    until(lambda: dialog.machine.doing.text().startswith("Working"))
    dialog.close()
    until(thread.isFinished)
    assert not (workspace() / "tuning").exists()


def test_a_failure_says_why_and_keeps_its_log(
    dialog: TuneDialog, job: Any, until: Callable[..., None]
) -> None:
    job("fails")
    dialog.batch.measure.click()
    until(lambda: dialog.thread is None)
    assert dialog.batch.said.text() == "It broke. Mend it." and not dialog.batch.apply.isEnabled()
    assert list((workspace() / "tuning").iterdir())


def test_settings_with_faults_are_not_measured(qtbot: Any) -> None:
    def faulty() -> Any:
        raise ConfigError([("training.epochs", "Must be at least 1.")])

    made = TuneDialog(faulty, INFO)
    qtbot.addWidget(made)
    made.start(made.rate, "lr")
    assert made.thread is None and "at least 1" in made.rate.said.text()


def test_folders_that_do_not_exist_are_said_before_a_process(
    qtbot: Any, tmp_path: Path, until: Callable[..., None]
) -> None:
    resolved = resolve(INFO.config, [Layer("file", nest({"data.images_dir": str(tmp_path / "none")}))])
    thread = TuneThread(resolved, INFO, "lr")
    said: list[str] = []
    thread.failed.connect(said.append)
    thread.start()
    until(lambda: said and thread.isFinished())
    assert "none" in said[0] and thread.folder is None


def test_the_training_window_takes_what_is_applied(qtbot: Any, tmp_path: Path) -> None:
    made = TrainConfigDialog(configuration(tmp_path))
    qtbot.addWidget(made)
    made.source.tune.click()
    tuning = made.findChild(TuneDialog)
    assert tuning is not None
    tuning.chosen.emit({RATE: 0.0042, SIZE: 3})
    assert made.changes()[RATE] == 0.0042 and made.configuration().config.training.batch_size == 3
    assert made.configuration().origins[RATE] == "dialog"
    assert made.forms["Training"].fields[SIZE].changed
    tuning.close()
    made.close()
