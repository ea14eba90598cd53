"""Runs side by side, what is said of runs, and the trash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.cli.main import run_command
from src.core.run import RunFolder, list_runs, summarise
from src.core.run.compare import CompareError, compare_runs
from src.core.run.run_care import LibraryError, keep_said, list_trash, read_said, restore, tags_of, trash_run
from src.core.run.state import claim
from tests.fakes import make_fake_run
from tests.ui.evaluation_document import evaluation, write
from tests.ui.job_windows import make_job


def two_runs(place: Path) -> list[RunFolder]:
    first = make_fake_run(place, "2026-05-01_a_unet_1", epochs=3, previews=False)
    second = make_fake_run(place, "2026-05-01_b_unet_1", epochs=6, previews=False, done=5, ending="stopped")
    second.config.write_text(second.config.read_text("utf-8").replace("0.001", "0.01"), "utf-8")
    return [first, second]


def test_settings_that_differ_come_first(tmp_path: Path) -> None:
    found = compare_runs(two_runs(tmp_path))
    differing = [s.key for s in found.settings if s.differs]
    assert differing == ["training.epochs", "training.optimizer.learning_rate"]
    assert [s.key for s in found.settings][:2] == differing and len(found.settings) > 5
    assert found.settings[1].values == (0.001, 0.01)
    assert not any(s.key.startswith("origins") for s in found.settings)


def test_results_and_curves(tmp_path: Path) -> None:
    found = compare_runs(two_runs(tmp_path))
    a, b = found.runs
    assert (a.state, b.state, a.epochs, b.planned) == ("completed", "stopped", 3, 6)
    assert [epoch for epoch, _ in b.curves["metric:iou"]] == [1, 2, 3, 4, 5]
    assert found.curve_names[-2:] == ["train_loss", "val_loss"]
    best = max((run.best_value or 0.0) for run in found.runs)
    assert found.best is not None and found.runs[found.best].best_value == best
    assert a.seconds and a.epoch_seconds and a.device == "cpu"


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    first, second = two_runs(tmp_path)
    with pytest.raises(CompareError, match="not 1"):
        compare_runs([first])
    with pytest.raises(CompareError, match="named twice"):
        compare_runs([first, first])
    with pytest.raises(CompareError, match="not 9"):
        compare_runs([first] * 9)
    first.config.write_text("{broken", "utf-8")
    second.events.write_text("no json\n", "utf-8")
    found = compare_runs([first, second])  # damaged runs are listed with what is left of them
    assert found.runs[0].settings == {} and found.runs[1].curves == {} and found.best is None


def test_other_splits_and_devices_are_said(tmp_path: Path) -> None:
    runs = two_runs(tmp_path)
    for run, split, device in ((runs[0], "aa", "CPU"), (runs[1], "bb", "NVIDIA X")):
        lines = run.events.read_text("utf-8").replace(
            '"device":"cpu"', f'"device":"{device}","split_hash":"{split}"'
        )
        run.events.write_text(lines, "utf-8")
    notes = " ".join(compare_runs(runs).notes)
    assert "different splits" in notes and "CPU, NVIDIA X" in notes


def evaluated(run: RunFolder, **changes: object) -> None:
    folder = run.path / "evaluations" / "a"
    make_job(folder, "evaluate", run.path)
    write(folder, evaluation(**changes))  # type: ignore[arg-type]


def test_pairs_on_the_same_images(tmp_path: Path) -> None:
    runs = two_runs(tmp_path)
    assert compare_runs(runs).paired == ()
    for run in runs:
        evaluated(run)
    (pair,) = compare_runs(runs).paired
    assert not pair.problem and (pair.first, pair.second) == (0, 1)
    assert pair.result["images"] > 0 and all(m["a"] == m["b"] for m in pair.result["measures"])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = two_runs(tmp_path)
    assert run_command(["compare-runs", *(str(run.path) for run in runs)]) == 0
    said = capsys.readouterr().out
    assert "A: 0.001" in said and "B: 0.01" in said and "training.batch_size" not in said
    assert run_command(["compare-runs", str(runs[0].path), str(runs[1].path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [r["name"] for r in found["runs"]] == [run.name for run in runs] and found["settings"][0][
        "differs"
    ]
    assert run_command(["compare-runs", str(runs[0].path), "--json"]) == 2
    assert "not 1" in json.loads(capsys.readouterr().out)["cause"]


# ---- what is said of runs


def test_star_tags_and_notes_go_with_the_run(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path, epochs=1, previews=False)
    keep_said(run, starred=True, tags="#base, Night  base BASE")
    keep_said(run, notes="Better light")
    said = summarise(run).said
    assert (said.starred, said.tags, said.notes) == (True, ("base", "Night"), "Better light")
    assert summarise(run).as_json()["tags"] == ["base", "Night"]
    keep_said(run, tags=[])
    assert read_said(run).tags == () and read_said(run).starred


@pytest.mark.parametrize("text", ["{", "[]", '{"tags": 3, "starred": "yes"}'])
def test_damaged_words_are_no_words(tmp_path: Path, text: str) -> None:
    run = make_fake_run(tmp_path, epochs=1, previews=False)
    (run.path / "library.json").write_text(text, "utf-8")
    assert read_said(run).tags == () and read_said(run).notes == ""


def test_tags_are_words() -> None:
    assert tags_of("a,b;c  #d") == ("a", "b", "c", "d") and tags_of(["two words"]) == ("two-words",)
    assert len(tags_of("x" * 99)[0]) == 40 and tags_of(" , # ") == ()


def test_the_trash_keeps_everything_and_gives_it_back(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path, epochs=1, previews=False)
    keep_said(run, notes="Keep this")
    target = trash_run(run)
    assert list_runs(tmp_path) == [] and [t.name for t in list_trash(tmp_path)] == [run.name]
    again = make_fake_run(tmp_path, epochs=1, previews=False)
    second = trash_run(again)
    assert second != target and {t.name for t in list_trash(tmp_path)} == {run.name}
    assert restore(target) == run.path and read_said(run).notes == "Keep this"
    with pytest.raises(LibraryError, match="again"):
        restore(second)
    claim(run)
    with pytest.raises(LibraryError, match="Stop it first"):
        trash_run(run)
