"""What a run view says of times, and which ticks a plot shows: read from the log of a real engine's shape."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from src.core.dataset.checking.statistics import histogram
from src.core.run import Event
from src.ui.run_data import RunData
from src.ui.text import duration, metric_title, number
from src.ui.widgets.plot_axes import TimeAxis, ValueAxis
from src.ui.widgets.plot_range import Limits, padded
from src.ui.widgets.stat_plot import Chart, StatPlot

ROOT = Path(__file__).parents[2]
EPOCH = {
    "train_loss": 1.0,
    "val_loss": 1.0,
    "metrics": {"iou": 0.5},
    "lr": 1e-3,
    "seconds": {"train": 8.0, "validation": 2.0},
    "best_epoch": 1,
    "best_value": 0.5,
}
RUN = {"metric": "iou", "epochs": 4, "steps_per_epoch": 10, "epoch": 1, "step": 0}


def told(*events: tuple[float, str, dict]) -> RunData:
    data = RunData()
    data.take([Event(n, time, kind, fields) for n, (time, kind, fields) in enumerate(events, 1)])
    return data


def test_time_taken_is_that_of_all_attempts_without_the_pause_between() -> None:
    again = {**RUN, "attempt": 2, "epoch": 2}
    data = told(
        (100, "run_started", {**RUN, "attempt": 1}),
        (112, "epoch_completed", {"epoch": 1, **EPOCH}),
        (115, "run_ended", {"status": "paused"}),
        (900, "warning", {"code": "masks.empty", "message": "Nothing is marked on 2 images."}),
        (905, "run_started", again),
        (920, "epoch_completed", {"epoch": 2, **EPOCH}),
        (925, "run_ended", {"status": "completed"}),
    )
    assert data.taken_s == 15 + 20


def test_time_taken_by_a_killed_run_ends_with_its_last_word() -> None:
    data = told(
        (100, "run_started", {**RUN, "attempt": 1}),
        (130, "resource_sample", {"cpu_percent": 50}),
        (90_000, "run_ended", {"status": "killed"}),
    )
    assert data.taken_s == 30
    assert told().taken_s is None


def test_time_left_by_epochs_and_in_the_first_epoch_by_batches() -> None:
    batch = {"epoch": 1, "phase": "train", "batch": 5, "batches": 10, "loss": 1.0}
    first = (
        (100, "run_started", {**RUN, "attempt": 1}),
        (100, "epoch_started", {"epoch": 1, "epochs": 4}),
        (106, "batch_progress", batch),
    )
    assert told(*first).left_s(106) == pytest.approx(4 * 12 - 6)
    second = (
        (112, "epoch_completed", {"epoch": 1, **EPOCH}),
        (112, "epoch_started", {"epoch": 2, "epochs": 4}),
    )
    assert told(*first, *second).left_s(114) == pytest.approx(3 * 10 - 2)
    assert told(*first[:2]).left_s(101) is None


def test_what_every_attempt_says_of_the_data_is_listed_once() -> None:
    warning = {"code": "masks.empty", "message": "Nothing is marked on 2 images.", "where": ["a.png"]}
    loss = {"code": "loss", "message": "The loss is not finite.", "where": ["b.png"]}
    data = told(
        (1, "warning", warning),
        (2, "run_started", {**RUN, "attempt": 1}),
        (3, "warning", loss),
        (4, "warning", loss),
        (5, "run_ended", {"status": "paused", "cause": "Paused; the device is free."}),
        (6, "warning", warning),
        (7, "run_started", {**RUN, "attempt": 2}),
    )
    warnings = [m.text for m in data.messages if m.level == "warning"]
    assert warnings == [warning["message"], loss["message"], loss["message"]]
    assert "Paused; the device is free." in [m.text for m in data.messages]


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.0, 1.0), (0.0, 0.1), (0.104, 0.108), (9.9e-6, 1.01e-5), (0.00091, 0.00093), (5e-10, 3e-9), (2, 7e6)],
)
def test_no_two_ticks_have_the_same_label(qapp, low: float, high: float) -> None:
    axis = ValueAxis("left")
    for spacing, values in axis.tickValues(low, high, 260):
        labels = axis.tickStrings(list(values), 1.0, spacing)
        assert len(set(labels)) == len(labels), labels
        assert all(float(t.replace(",", "")) == pytest.approx(v, rel=1e-6, abs=spacing / 1e3)
                   for t, v in zip(labels, values, strict=True))  # fmt: skip


@pytest.mark.parametrize("value", [0.0, 0.106, 1.0])
def test_a_single_value_of_a_metric_stands_in_a_range_that_means_something(value: float) -> None:
    low, high = padded(value, value, Limits(0.0, 1.0, least=0.1))
    assert low <= value <= high and 0.1 <= high - low < 0.2
    assert low >= -0.02 and high <= 1.02


def test_a_rate_is_shown_from_zero_and_nothing_at_all_as_zero_to_one() -> None:
    assert padded(9e-4, 1e-3, Limits(low=0.0, from_low=True))[0] == pytest.approx(0.0, abs=1e-4)
    low, high = padded(float("inf"), float("-inf"), Limits())
    assert low < 0 < 1 < high
    assert padded(0.0, 0.0, Limits())[1] > 0.1


def test_words_are_those_of_the_report() -> None:
    assert number(9.2e-4, 3) == "0.00092" and number(1e-5, 3) == "1e-5" and number(12345.6) == "12,346"
    assert duration(42) == "42 s" and duration(3) == "3 s" and duration(8.42) == "8.4 s"
    assert metric_title("iou_mean") == "IoU, mean over images" and metric_title("iou") == "IoU"


def test_the_words_are_there_without_what_draws_reports() -> None:
    code = "import sys; import src.ui.text; sys.exit(bool({'matplotlib', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "span", [7.0, 61.0, 302.0, 340.0, 1000.0, 4000.0, 9000.0, 50_000.0, 200_000.0, 1_500_000.0]
)
def test_time_axis_has_a_readable_time_however_narrow_it_is(qapp, span: float) -> None:
    axis = TimeAxis("bottom")
    (step, _), *_ = axis.tickSpacing(0.0, span, 420.0)
    inside = [k * step for k in range(1, 100) if k * step < 0.97 * span]  # the ends are cut off
    assert 1 <= len(inside) <= 5
    labels = axis.tickStrings(inside, 1.0, step)
    assert len(set(labels)) == len(labels) and all(labels)


@pytest.mark.parametrize(
    ("width", "labels", "said"),
    [(800.0, {"799", "800", "801"}, "800 px"), (128.25, None, "122 to 135 px")],
)
def test_a_constant_is_shown_by_plain_numbers(
    qtbot, qapp, width: float, labels: set[str] | None, said: str
) -> None:
    drawn = histogram({"train": [width] * 9, "val": [width] * 3}, "Image width", "px")
    chart = Chart(
        "Image width", "Width (px)", "Images", drawn["counts"], edges=tuple(drawn["edges"]), unit="px"
    )
    plot = StatPlot(chart)
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.show()
    low, high = plot._plot.getPlotItem().getViewBox().viewRange()[0]
    ticks = [v for _, values in plot._x.tickValues(low, high, 500.0) for v in values]
    shown = set(plot._x.tickStrings(ticks, 1.0, plot._x.tickSpacing(low, high, 500.0)[0][0]))
    assert shown and (labels is None or shown <= labels)
    plot.show_at(len(chart.edges) // 2 - 1)
    assert plot.value.text().startswith(f"{said}:  Training 9")
