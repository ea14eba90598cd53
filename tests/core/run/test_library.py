"""The model library: what is listed, what is remembered, what is never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.core.run import ModelError, RunFolder, list_runs
from src.core.run.library import find_record, list_models
from src.core.run.library_care import LibraryError, add_file, remove, restore, set_notes, set_star
from src.core.run.state import claim
from tests.fakes import make_fake_run
from tests.ui.job_windows import make_job, make_model_run, write_model


def names(runs: Path) -> list[str]:
    return [record.name for record in list_models(runs)]


def test_a_model_says_what_it_is(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    (record,) = list_models(tmp_path)
    assert (record.path, record.file.name, record.epoch) == (run.path, "epoch2.safetensors", 2)
    assert (record.metric, record.value, record.task) == ("iou", 0.81, "segmentation")
    assert record.network == "unet · resnet18" and record.classes[1:] == ["scratch", "pit", "stain"]
    assert record.data == tmp_path.name and record.data_gone and not record.problem
    assert find_record(str(run.path), "last").file.name == "epoch3.safetensors"


def test_runs_without_a_model_and_results_of_jobs_are_no_models(tmp_path: Path) -> None:
    make_fake_run(tmp_path, name="2026-05-01_new_unet_1", epochs=1, previews=False)
    run = make_model_run(tmp_path)
    make_job(tmp_path / "2026-05-02_evaluation_1", "evaluate", run.path)
    assert names(tmp_path) == [run.name]
    with pytest.raises(ModelError, match="no epoch was completed"):
        find_record(str(tmp_path / "2026-05-01_new_unet_1"))


def test_what_was_done_with_a_model_is_listed_with_its_ending(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    make_job(run.path / "evaluations" / "a", "evaluate", run.path)
    make_job(run.path / "evaluations" / "b", "evaluate", run.path, status="failed", cause="Why.")
    make_job(run.path / "export" / "c", "export", run.path, status=None)
    (run.path / "predictions" / "no-job").mkdir(parents=True)
    record = find_record(str(run.path))
    assert sorted(r.status for r in record.done("evaluate")) == ["completed", "failed"]
    assert [r.status for r in record.done("export")] == ["killed"] and len(record.jobs) == 3
    assert record.as_json()["jobs"][0]["folder"].startswith(str(run.path))


@pytest.mark.parametrize(
    ("harm", "said"),
    [(lambda run: (run.checkpoints / "epoch2.safetensors").write_bytes(b"x"), "instead of"),
     (lambda run: (run.checkpoints / "epoch2.safetensors").unlink(), "cannot be read"),
     (lambda run: (run.checkpoints / "index.json").write_text('{"checkpoints": [{"file": 3}]}'), "index.json")],
)  # fmt: skip
def test_a_damaged_model_is_listed_with_the_reason(tmp_path: Path, harm: object, said: str) -> None:
    run = make_model_run(tmp_path)
    harm(run)  # type: ignore[operator]
    (record,) = list_models(tmp_path)
    assert said in record.problem


def test_broken_settings_do_not_hide_a_model(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    run.config.write_text("{ not: [yaml", "utf-8")
    (record,) = list_models(tmp_path)
    assert record.value == 0.81 and not record.data


def test_notes_and_star_lie_in_the_run_and_go_where_it_goes(tmp_path: Path) -> None:
    run = make_model_run(tmp_path / "a")
    set_notes(find_record(str(run.path)), "Gut für Teil 7.\nZweite Zeile")
    set_star(find_record(str(run.path)), True)
    moved = run.path.rename(tmp_path / "moved")
    record = find_record(str(moved))
    assert record.starred and record.notes == "Gut für Teil 7.\nZweite Zeile"
    (moved / "library.json").write_text("broken", "utf-8")
    assert find_record(str(moved)).notes == ""


def test_a_file_is_added_marked_and_taken_off_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "foreign ü.pth"
    file.write_bytes(b"weights")
    record = add_file(file)
    set_notes(record, "From the archive")
    (listed,) = list_models(tmp_path / "runs")
    assert (listed.path, listed.notes, dict(listed.facts)) == (file, "From the archive", {})
    assert remove(listed) is None and list_models(tmp_path / "runs") == [] and file.is_file()
    with pytest.raises(LibraryError, match="is not a file"):
        add_file(tmp_path)


def test_a_file_that_is_gone_is_listed_with_the_reason(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    add_file(tmp_path / "m.safetensors")
    (tmp_path / "m.safetensors").unlink()
    (record,) = list_models(tmp_path / "runs")
    assert "cannot be read" in record.problem


def test_removed_is_moved_with_all_that_belongs_to_it_and_comes_back(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    before = {p.relative_to(run.path) for p in run.path.rglob("*")}
    trashed = remove(find_record(str(run.path)))
    assert trashed is not None and trashed.parent == tmp_path / "trash" and not run.path.exists()
    assert names(tmp_path) == [] and list_runs(tmp_path) == []
    again = make_model_run(tmp_path)  # the name was free
    with pytest.raises(LibraryError, match="Rename"):
        restore(trashed)
    second = remove(find_record(str(again.path)))
    assert second is not None and second != trashed and trashed.is_dir()
    assert restore(second) == run.path and names(tmp_path) == [run.name]
    assert {p.relative_to(run.path) for p in run.path.rglob("*")} == before


def test_a_model_in_use_is_not_removed(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    job = make_job(run.path / "predictions" / "a", "predict", run.path, status=None)
    claim(RunFolder(job))  # this process works on it
    with pytest.raises(LibraryError, match="A process works"):
        remove(find_record(str(run.path)))
    assert run.path.is_dir()


def test_a_star_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    run = make_model_run(tmp_path)
    (run.path / "library.json").mkdir()
    with pytest.raises(LibraryError, match="cannot be written"):
        set_star(find_record(str(run.path)), True)


def test_the_command_line_lists_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from src.cli.main import run_command

    run = make_model_run(tmp_path)
    make_job(run.path / "evaluations" / "a", "evaluate", run.path)
    assert run_command(["models", str(tmp_path), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["models"]
    assert told["model"] == str(run.path) and told["value"] == 0.81 and told["jobs"][0]["job"] == "evaluate"
    assert run_command(["models", str(tmp_path)]) == 0
    line = capsys.readouterr().out
    assert run.name in line and "iou 0.8100" in line and "1 evaluate" in line
    assert run_command(["models", str(tmp_path / "none")]) == 0
    assert "no models" in capsys.readouterr().out
