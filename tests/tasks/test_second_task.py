"""A task whose data are no images, known to this test alone: check, split, browser and report take it as it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.cli.main import run_command
from src.core.dataset.contract import Column, Look, Noun
from src.core.dataset.sample_filter import SampleFilter, SampleView
from src.core.dataset.sample_table import SampleTable
from src.core.run import process
from src.jobs.main import run_job
from src.tasks.catalog import TASKS, task_info
from src.ui.widgets.dataset_view import DatasetView
from tests.recordings import RECORDINGS, RecordingsConfig, RecordingsDescription, describe, make_recordings

MACHINE = r"(m\d+)_"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TASKS, "bearing", raising=False)  # it would take these recordings for its own
    monkeypatch.delitem(TASKS, "bearing", raising=False)  # its recordings are of the same files
    monkeypatch.setitem(TASKS, RECORDINGS.id, RECORDINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_recordings(tmp_path / "Lüfter")


def configured(folder: Path, **split: Any) -> RecordingsConfig:
    split = {"group_by": "pattern", "group_pattern": MACHINE, **split}
    return RecordingsConfig.model_validate({"data": {"folder": str(folder), "split": split}})


def machine(sample: Any) -> str:
    return Path(sample.id).name.split("_")[0]


# ---- split


def test_groups_stay_together_and_classes_are_spread(folder: Path) -> None:
    found = describe(configured(folder, test_fraction=0.2))
    sides = {part: {machine(s) for s in samples} for part, samples in found.samples.items()}
    assert sum(len(side) for side in sides.values()) == 10 and all(sides.values())
    assert all({s.stratum for s in samples} == {"healthy", "worn"} for samples in found.samples.values())
    assert found.split_hash and found.record is not None and not found.has_errors


def test_the_split_is_carried_on_when_recordings_are_added(folder: Path) -> None:
    before = describe(configured(folder, test_fraction=0.2))
    held = {s.id for part in ("val", "test") for s in before.samples[part]}  # type: ignore[index]
    for number in range(20, 60):
        for label in ("healthy", "worn"):
            np.save(folder / label / f"m{number}_run0_x.npy", np.full(300, number + (label == "worn") / 2))
    after = describe(configured(folder, test_fraction=0.2))
    assert held <= {s.id for part in ("val", "test") for s in after.samples[part]}  # type: ignore[index]
    said = " ".join(f.message for f in after.findings)
    assert "80 new recordings joined the split" in said and "image" not in said


def test_copies_are_one_group_and_said_to_be(folder: Path) -> None:
    (folder / "worn" / "m77_run0_x.npy").write_bytes((folder / "worn" / "m01_run0_x.npy").read_bytes())
    found = describe(configured(folder))
    groups = {s.group for s in found.all_samples if machine(s) in ("m01", "m77")}
    assert len(groups) == 1
    assert any("1 recording is an exact copy of one" in f.message for f in found.findings)


def test_folds_hold_each_group_once(folder: Path) -> None:
    folds = [describe(configured(folder, folds=5, fold=k), store=False) for k in range(1, 6)]
    validated = [machine_ for found in folds for machine_ in {machine(s) for s in found.samples["val"]}]
    assert sorted(validated) == [f"m{k:02d}" for k in range(10)]


def test_one_group_cannot_be_divided(folder: Path) -> None:
    found = describe(configured(folder, group_pattern="(m)"))
    error = next(f for f in found.findings if f.severity == "error")
    assert error.code == "split.one_group" and "30 recordings" in error.message


# ---- description


def test_a_description_comes_back_and_notices_what_changed(folder: Path, tmp_path: Path) -> None:
    found = describe(configured(folder))
    found.save(tmp_path / "run")
    loaded = RECORDINGS.load_description(tmp_path / "run", None)
    assert isinstance(loaded, RecordingsDescription)
    assert loaded.samples == found.samples and loaded.class_names == ("healthy", "worn")
    assert loaded.split_hash == found.split_hash
    assert loaded.record == found.record and loaded.statistics == found.statistics
    np.save(folder / "worn" / "m01_run0_x.npy", np.zeros(7))
    (folder / "worn" / "m01_run1_y.npy").unlink()
    codes = [f.code for f in RECORDINGS.load_description(tmp_path / "run", None).findings]
    assert "changed.size" in codes and "changed.gone" in codes
    found.compact()
    assert found.record is None and len(found.all_samples) == 30
    assert (tmp_path / "run" / "train.txt").read_text("utf-8").startswith("healthy/m")


# ---- check


@pytest.fixture
def config_file(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"task: recordings\ndata:\n  folder: '{folder}'\n  split: {{group_by: pattern, group_pattern: '{MACHINE}'}}\n",
        "utf-8",
    )
    return path


def test_the_check_job_prints_rows_findings_and_columns(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_job(["check", str(config_file)]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    look = Look.from_dict(next(line["look"] for line in said if "look" in line))
    assert look.noun == ("recording", "recordings") and [c.key for c in look.columns] == ["seconds", "sensor"]
    rows = [row for line in said if "samples" in line for row in line["rows"]]
    short = next(row for row in rows if row[0] == "healthy/m00_run0_x.npy")
    assert short[2:] == ["m00", [0], 0.5, "x"] and len(rows) == 30
    assert {line["finding"]["code"] for line in said if "finding" in line} >= {
        "recordings.unreadable",
        "recordings.short",
    }
    last = said[-1]["description"]
    assert last["task"] == "recordings" and last["classes"] == ["healthy", "worn"] and "masks" not in last
    assert last["summary"].startswith("30 recordings (") and "2 classes, 1 file left out" in last["summary"]


def test_the_command_speaks_of_recordings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data.split.group_by=pattern", f"data.split.group_pattern={MACHINE}"]
    assert run_command(["check", str(folder), *words]) == 0
    said = capsys.readouterr().out
    assert "30 recordings" in said and "1 recording cannot be read" in said
    assert "image" not in said and "mask" not in said


def test_the_split_command_divides_recordings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data.split.group_by=pattern", f"data.split.group_pattern={MACHINE}", "data.split.folds=3"]
    assert run_command(["split", str(folder), *words]) == 0
    said = capsys.readouterr().out
    assert "10 groups of 30 recordings" in said and "with worn" in said and "Leakage: none was found" in said
    assert "image" not in said


def test_a_folder_of_no_task_is_still_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run_command(["check", str(tmp_path / "empty")]) == 2
    assert "No images were found" in capsys.readouterr().err


# ---- table


def test_columns_of_a_task_order_the_table() -> None:
    look = Look(Noun("log", "logs"), (Column("depth", "Depth", "m"), Column("well", "Well", kind="text")))
    table = SampleTable(look)
    table.append(
        "train", [["a", "/a", "g", [0], 30.5, "Nord"], ["b", "/b", "g", [1], None, "ost"], ["c", "/c"]]
    )
    view = SampleView(table).prepare()
    assert view.orders == ["name", "depth", "well"]
    assert view.rows(SampleFilter(), "depth").tolist() == [1, 2, 0]
    assert view.rows(SampleFilter(), "well", descending=True).tolist() == [1, 0, 2]
    assert [words for _, words in table.words(0)] == ["30.5 m", "Nord"] and table.words(2) == []
    assert table.sample(0)["depth"] == 30.5 and "mask" not in table.sample(0)
    assert view.rows(SampleFilter(class_number=1)).tolist() == [1]


def test_a_column_cannot_take_a_name_that_every_sample_has() -> None:
    with pytest.raises(ValueError, match="key of its own"):
        Look(columns=(Column("group", "Group"),))


# ---- window


@pytest.fixture
def view(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatasetView]:
    program = [sys.executable, str(Path(__file__).resolve().parents[1] / "recordings_job.py")]
    monkeypatch.setattr(process, "program", lambda: program)
    made = DatasetView()
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    yield made
    made.close_data()


@pytest.fixture
def opened(view: DatasetView, folder: Path, qtbot: Any) -> Callable[[], None]:
    def act() -> None:
        view.show_folder(folder)
        qtbot.waitUntil(lambda: view.pages.currentIndex() == 2, timeout=10_000)

    return act


def texts(widget: Any) -> str:
    """All that a window says, tooltips too."""
    from PyQt5.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget

    said = [w.toolTip() for w in widget.findChildren(QWidget) if w.isVisibleTo(widget)]
    said += [
        w.text()
        for kind in (QLabel, QAbstractButton)
        for w in widget.findChildren(kind)
        if w.isVisibleTo(widget)
    ]
    for box in widget.findChildren(QComboBox):
        if box.isVisibleTo(widget):
            said += [box.itemText(i) for i in range(box.count())]
    return "\n".join([*said, *(widget.tabs.tabText(i) for i in range(widget.tabs.count()))])


def test_the_browser_lists_recordings_with_their_columns(
    view: DatasetView, opened: Callable[[], None], qtbot: Any
) -> None:
    opened()
    grid = view.thumbnails
    assert grid.samples.rowCount() == 30 and view.tabs.tabText(0) == "&Recordings"
    tip = grid.samples.index(0).data(3)
    assert "Length: 0.5 s" in tip and "Sensor: x" in tip and "mask" not in tip
    orders = [view.images.filters.sort.itemText(i) for i in range(view.images.filters.sort.count())]
    assert orders == ["As in the data set", "By name", "By length", "By sensor"]
    view.images.filters.sort.setCurrentIndex(2)
    lengths = [view.prepared.view.table.sample(int(r))["seconds"] for r in grid.samples.rows]  # type: ignore[union-attr]
    assert lengths == sorted(lengths) and lengths[0] == 0.5
    said = texts(view)
    assert "30 recordings" in said and "image" not in said.lower() and "mask" not in said.lower()
    assert not view.augment.isVisible() and not view.images.bar.isVisible()
    labels = [a.text() for a in view.images.menu().actions()]
    grid.go_to(0)
    labels = [a.text() for a in view.images.menu().actions()]
    assert "&Open recording file" in labels and not any("mask" in t or "augment" in t for t in labels)


def test_thumbnails_are_drawn_by_the_task_and_kept(
    view: DatasetView, opened: Callable[[], None], qtbot: Any
) -> None:
    from src.core.run import workspace

    opened()
    thumbs = view.thumbnails.thumbs
    qtbot.waitUntil(lambda: thumbs.find(0) not in ("waiting", None), timeout=8000)
    picture = thumbs.find(0).picture  # type: ignore[union-attr]
    assert abs(picture.width() - 2 * picture.height()) <= 2  # as it was drawn, but for rounding to the tile
    blue = [picture.pixelColor(x, y).blue() - picture.pixelColor(x, y).red()
            for x in range(picture.width()) for y in range(picture.height())]  # fmt: skip
    assert max(blue) > 60
    assert list((workspace() / "cache" / "thumbnails").rglob("*.thumb"))


def test_a_recording_is_shown_large_with_its_facts(
    view: DatasetView, opened: Callable[[], None], qtbot: Any
) -> None:
    from src.ui.widgets.sample_window import SampleWindow

    opened()
    view.images.enlarge(view.thumbnails.samples.index(0))
    window = view.window().findChild(SampleWindow)
    qtbot.waitUntil(lambda: "Length 0.5 s" in window.words.text(), timeout=8000)
    assert window.view.picture.width > 1000 and not window.bar.isVisible()
    window.close()


def test_left_out_recordings_stay_out_of_the_next_check(
    view: DatasetView, opened: Callable[[], None], qtbot: Any
) -> None:
    opened()
    card = next(f for f, _ in view.findings.found if f["code"] == "recordings.short")
    view.act(card["actions"][0])
    assert "1 recording is left out" in view.note.text.text()
    view.check_again()
    qtbot.waitUntil(lambda: view.prepared.view.table.part.max() == 3, timeout=10_000)  # type: ignore[union-attr]
    table = view.prepared.view.table  # type: ignore[union-attr]
    assert table.total == 30 and [s["id"] for s in table["out"]] == ["healthy/m00_run0_x.npy"]


def test_numbers_are_of_recordings(view: DatasetView, opened: Callable[[], None], qtbot: Any) -> None:
    opened()
    view.tabs.setCurrentIndex(2)
    charts = view._charts()
    assert {c.title for c in charts} == {"Length", "Classes by recordings"}
    assert task_info("recordings").look.noun.many == "recordings"


# ---- report


def test_the_report_counts_recordings(folder: Path, tmp_path: Path) -> None:
    from src.core.report import write_report
    from src.core.run import EventWriter, RunFolder

    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    describe(configured(folder)).save(run.dataset)
    writer = EventWriter(run.events)
    writer.write("run_started", attempt=1, task="recordings", epochs=1, metric="accuracy", mode="max")
    writer.write("epoch_completed", epoch=1, train={"loss": 0.5}, metrics={"accuracy": 0.9}, best_value=0.9, best_epoch=1,
                 per_class={"healthy": {"accuracy": 0.8}}, seconds={"train": 1.0}, images_per_second=30.0)  # fmt: skip
    writer.close()
    write_report(run, {"status": "completed", "cause": "", "cure": ""})
    page = (run.report / "index.html").read_text("utf-8")
    assert "Share of the recordings" in page and "all validation recordings together" in page
    assert "30.0 recordings/s" in page and "With an object" not in page and ">50.0 %" in page
