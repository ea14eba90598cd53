"""Which models of a search are kept, and the trash of searches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="a search needs Optuna: requirements-search.txt")

from src.core.run import RunFolder, list_runs
from src.core.run.run_care import keep_said
from src.core.run.state import claim
from src.core.search import SearchError, SearchFolder, SearchPlan, list_searches
from src.core.search.care import bring_back, keep_best_models, trash_search
from src.core.search.trials import TrialView

Make = Callable[..., tuple[SearchFolder, SearchPlan]]


@pytest.fixture
def folder(make_search: Make) -> SearchFolder:
    return make_search("training.optimizer.learning_rate=1e-5..1e-2:log")[0]


def a_trial(folder: SearchFolder, number: int, state: str, value: float | None) -> TrialView:
    run = RunFolder(folder.runs / f"2026-05-01_tiles_trial-{number}_1")
    run.checkpoints.mkdir(parents=True)
    run.config.write_text("task: segmentation\n", "utf-8")
    (run.checkpoints / "e3.safetensors").write_bytes(b"weights")
    entry = {
        "file": "e3.safetensors",
        "sha256": "",
        "bytes": 7,
        "epoch": 3,
        "step": 0,
        "roles": ["best", "last"],
    }
    run.write_json(run.checkpoints / "index.json", {"version": 1, "checkpoints": [entry]})
    if state == "completed":
        (run.path / "model.safetensors").write_bytes(b"weights")
    return TrialView(number, state, {}, value, f"runs/{run.name}", "", "", None, 1)


def with_models(folder: SearchFolder) -> set[int]:
    found = {p.parents[1].name for p in folder.runs.glob("*/checkpoints/*.safetensors")}
    models = {p.parent.name for p in folder.runs.glob("*/model.safetensors")}
    assert models <= found
    return {int(name.split("trial-")[1][0]) for name in found}


@pytest.mark.parametrize(("maximise", "kept"), [(True, {2, 4}), (False, {1, 3})])
def test_only_the_best_keep_their_models(folder: SearchFolder, maximise: bool, kept: set[int]) -> None:
    values = (0.3, 0.9, 0.1, 0.8, 0.7)
    views: list[Any] = [a_trial(folder, n, "completed", v) for n, v in enumerate(values, 1)]
    views += [a_trial(folder, 6, "pruned", 0.95), a_trial(folder, 7, "failed", None),
              a_trial(folder, 8, "interrupted", None), a_trial(folder, 9, "running", None)]  # fmt: skip
    assert keep_best_models(folder, views, 0, maximise) == [] and len(with_models(folder)) == 9
    gone = keep_best_models(folder, views, 2, maximise)
    assert with_models(folder) == kept | {8, 9} and len(gone) == 5
    assert all(list_runs(folder.runs)) and len(list_runs(folder.runs)) == 9  # the runs themselves stay
    assert keep_best_models(folder, views, 2, maximise) == []


def test_of_equals_the_earlier_one_is_kept(folder: SearchFolder) -> None:
    views = [a_trial(folder, n, "completed", 0.5) for n in (1, 2, 3)]
    keep_best_models(folder, views, 1, True)
    assert with_models(folder) == {1}


def test_runs_with_a_star_or_at_work_keep_theirs(folder: SearchFolder) -> None:
    views = [a_trial(folder, n, "completed", 1.0 / n) for n in (1, 2, 3, 4)]
    keep_said(RunFolder(folder.path / views[1].run), starred=True)
    claim(RunFolder(folder.path / views[2].run))  # this process works on it
    keep_best_models(folder, views, 1, True)
    assert with_models(folder) == {1, 2, 3}


def test_trials_of_another_machine_are_left_alone(folder: SearchFolder) -> None:
    view = a_trial(folder, 1, "completed", 0.5)
    elsewhere = TrialView(2, "completed", {}, 0.4, "runs/elsewhere", "", "", None, 1)
    assert keep_best_models(folder, [view, elsewhere], 1, True) == []


def test_a_search_goes_to_the_trash_and_comes_back(folder: SearchFolder) -> None:
    root = folder.path.parent
    a_trial(folder, 1, "completed", 0.5)
    where = trash_search(folder)
    assert where == root / "trash" / folder.name and list_searches(root) == []
    back = bring_back(where)
    assert back.path == folder.path and with_models(back) == {1}
    assert [f.path for f in list_searches(root)] == [folder.path]


def test_a_search_at_work_is_not_taken_away(folder: SearchFolder, tmp_path: Path) -> None:
    a_trial(folder, 1, "running", None)
    claim(list_runs(folder.runs)[0])
    with pytest.raises(SearchError, match="works on") as caught:
        trash_search(folder)
    assert caught.value.cure == "Stop it first." and folder.path.is_dir()
