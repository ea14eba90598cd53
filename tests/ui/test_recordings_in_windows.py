"""Windows that were made for images and show recordings: the words are those of the task, and so are the numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.config import Layer, dump_yaml, nest, options, resolve
from src.jobs.data_session import DataSession
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.description import BEARING, describe_data
from src.ui.dialogs.train_setup import TrainSetup
from src.ui.dialogs.train_summary import facts
from src.ui.dialogs.train_tabs import tab_of
from src.ui.run_data import RunData
from src.ui.widgets.previews_page import PreviewsPage
from src.ui.widgets.result_pages import make_page
from src.ui.widgets.said_page import SaidPage
from src.ui.widgets.stat_plot import StatPlot
from src.ui.widgets.statistics_page import charts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bearings of each of two labels, two recordings each."""
    place = tmp_path_factory.mktemp("rig")
    rng = np.random.default_rng(0)
    for label in ("inner", "outer"):
        for bearing in (1, 2):
            for take in (1, 2):
                name = f"{label}_b{bearing}_{take}_1500rpm.npy"
                np.save(place / name, rng.standard_normal(4000).astype(np.float32))
    return place


def resolved(folder: Path, **more: Any) -> Any:
    values = {
        "data.folder": str(folder),
        "data.facts.rate_hz": 4000.0,
        "data.name_pattern": "{label}_{bearing}_*_{speed}rpm",
    }
    return resolve(BearingConfig, [Layer("file", nest(values | more))])


def test_training_on_open_recordings_begins_with_their_task(folder: Path) -> None:
    setup = TrainSetup(None, {"task": "bearing", "data.folder": str(folder)})
    assert setup.info.id == "bearing" and setup.initial == {"data.folder": str(folder)} and setup.preset


def test_every_option_of_a_task_stands_where_one_looks_for_it() -> None:
    tabs = {option.key: tab_of(option) for option in options(BearingConfig)}
    assert {tab for key, tab in tabs.items() if key.startswith(("inputs.", "model."))} == {"Model"}
    assert (
        tabs["monitoring.best_metric"] == tabs["name"] == "Monitoring"
        and tabs["distillation.teacher"] == "Training"
    )


def test_the_summary_counts_windows(folder: Path) -> None:
    made = resolved(
        folder, **{"data.windows.length": 0.25, "data.windows.overlap": 0.0, "training.batch_size": 4}
    )
    found = describe_data(made.config, store=False)
    about = {"splits": {p: len(s) for p, s in found.samples.items()}, **found.details()}
    training = len(found.samples["train"])
    assert about["drawn"]["train"] == 4 * training  # of a second each
    words = dict(facts(made.config, BEARING, about))
    assert words["Recordings"].startswith(f"{training} for training")
    assert f"of {training} steps with 4 windows" in words["Training"]


def test_the_groups_card_names_what_the_task_has(folder: Path) -> None:
    session = DataSession(io.StringIO(), io.StringIO())
    assert session._asked.get() is None  # the end of the requests, which would cancel what is worked on
    session._cancelled.clear()
    request = {"config": dump_yaml(resolved(folder, **{"data.split.group_by": "bearing"}))}
    answer = session._groups(request, lambda *_: None)
    assert (answer["images"], answer["noun"]) == (8, ["recording", "recordings"])
    assert answer["groups"] == 2 and answer["largest"][1] == 4 and not answer["problem"]


def test_statistics_of_few_values_are_named(folder: Path, qtbot: Any) -> None:
    found = describe_data(resolved(folder).config, store=False)
    by_title = {chart.title: chart for chart in charts(found.statistics, {})}
    speed = by_title["Speed"]
    assert (
        speed.names == ("1,500",)
        and speed.x_label == "Speed (rev/min)"
        and by_title["Sampling rate"].names == ("4,000",)
    )
    assert sum(sum(v) for v in speed.values.values()) == 8 and set(by_title["Bearing"].names) == {"b1", "b2"}
    plot = StatPlot(speed)
    qtbot.addWidget(plot)
    left, right = plot._sides()
    assert right[0] - left[0] < 0.5  # one bar is no wall
    steps = [step for step, _ in plot._y.tickSpacing(0.0, 1.0, 300)]
    assert steps == [1.0]


def test_previews_say_what_they_show(qtbot: Any, tmp_path: Path) -> None:
    page = PreviewsPage()
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show()
    item = {
        "sample": "a.mat at 1.0 s",
        "metric": 0.5,
        "shows": "Spectrogram",
        "value": "Mean score of what is true",
    }
    page.set_data(RunData(previews={1: [item]}), tmp_path)
    assert {h.text() for h in page._headings} == {"Spectrogram"}
    assert "Mean score of what is true 0.500" in page._rows[0][1].text()
    page.set_data(RunData(previews={1: [{"sample": "a.png", "metric": 0.5}]}), tmp_path)
    assert {h.text() for h in page._headings} == {"Image"}
    page.close_loader()


def test_predictions_along_samples_have_their_own_page(qtbot: Any) -> None:
    page = make_page("bearing", "predict")
    qtbot.addWidget(page)
    assert isinstance(page, SaidPage) and set(page.panel.plots) == {"signal", "scores"}
    page.close_page()
    other = make_page("segmentation", "predict")
    qtbot.addWidget(other)
    assert not isinstance(other, SaidPage)
    other.close_page()  # type: ignore[attr-defined]
