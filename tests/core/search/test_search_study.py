"""Drawing, judging and recovering trials in storages that several processes share; nothing is trained here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

optuna = pytest.importorskip("optuna", reason="a search needs Optuna: requirements-search.txt")

from src.core.config import file_layer, resolve  # noqa: E402
from src.core.run import create_run  # noqa: E402
from src.core.search import SearchError, SearchFolder, SearchPlan, need_optuna  # noqa: E402
from src.core.search.results import results_of, trial_config, write_results  # noqa: E402
from src.core.search.storage import JournalLock, mend_journal, open_storage  # noqa: E402
from src.core.search.study import Claim, SearchStudy  # noqa: E402
from src.tasks.catalog import task_info  # noqa: E402
from tests.core.search.conftest import MOMENTUM, NAME, RATE  # noqa: E402

Make = Callable[..., tuple[SearchFolder, SearchPlan]]


def take_all(study: SearchStudy, value: Callable[[dict[str, Any]], float]) -> list[dict[str, Any]]:
    drawn = []
    while claim := study.begin():
        drawn.append(claim.params)
        study.finish(claim, "completed", value(claim.params))
    return drawn


def belong_to(study: SearchStudy, claim: Claim, **owner: Any) -> None:
    """Pretend that another process took a trial."""
    claim.trial.set_user_attr("owner", {"id": "other", **owner})


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_samplers_draw_within_bounds_and_again_the_same(make_search: Make, sampler: str) -> None:
    words = (f"{RATE}=1e-5..1e-2:log", f"{NAME}=adamw,sgd", f"{MOMENTUM}=0.5..0.9")
    found = []
    for _ in range(2):
        study = SearchStudy(*make_search(*words, sampler=sampler, trials=15, seed=4))
        found.append(take_all(study, lambda p: -abs(p[RATE] - 1e-3)))
    assert found[0] == found[1] and len(found[0]) == 15
    assert all(1e-5 <= p[RATE] <= 1e-2 and (MOMENTUM in p) == (p[NAME] == "sgd") for p in found[0])
    assert len({p[RATE] for p in found[0]}) == 15 and {p[NAME] for p in found[0]} == {"adamw", "sgd"}


def test_tpe_learns_where_random_does_not(make_search: Make) -> None:
    late = {}
    for sampler in ("tpe", "random"):
        study = SearchStudy(*make_search("training.loss.gamma=0..10", sampler=sampler, trials=40))
        drawn = take_all(study, lambda p: -((p["training.loss.gamma"] - 3) ** 2))
        late[sampler] = sum(abs(p["training.loss.gamma"] - 3) for p in drawn[20:]) / 20
    assert late["tpe"] < late["random"] / 2


def test_a_grid_is_each_combination_once_and_goes_on_where_it_was(make_search: Make) -> None:
    folder, plan = make_search(
        f"{NAME}=adamw,sgd", f"{MOMENTUM}=0.5,0.9", "training.batch_size=2,4", sampler="grid", trials=99
    )
    first = SearchStudy(folder, plan)
    drawn = []
    for _ in range(2):
        claim = first.begin()
        assert claim
        drawn.append(claim.params)
        first.finish(claim, "completed", 0.5)
    drawn += take_all(SearchStudy(folder, plan), lambda p: 0.5)
    wanted = [{NAME: "adamw", "training.batch_size": b} for b in (2, 4)]
    wanted += [{NAME: "sgd", MOMENTUM: m, "training.batch_size": b} for m in (0.5, 0.9) for b in (2, 4)]
    assert sorted(map(repr, map(sorted, map(dict.items, drawn)))) == sorted(
        map(repr, map(sorted, map(dict.items, wanted)))
    )


def test_a_continued_search_does_not_draw_its_first_trials_again(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", sampler="tpe", trials=6)
    drawn = []
    for _ in range(6):
        study = SearchStudy(folder, plan)  # a new process for every trial
        claim = study.begin()
        assert claim
        drawn.append(claim.params[RATE])
        study.finish(claim, "completed", 0.1)
    assert len(set(drawn)) == 6
    assert SearchStudy(folder, plan).begin() is None


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_trials_behind_the_others_are_ended_and_good_ones_are_not(make_search: Make, pruner: str) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", pruner=pruner, prune_after=2, trials=40)
    study = SearchStudy(folder, plan)
    verdicts: dict[str, list[int]] = {"good": [], "bad": []}
    for number in range(24):
        kind = "bad" if number >= 8 and number % 2 else "good"
        claim = study.begin()
        assert claim
        for epoch in range(1, 10):
            if study.report(claim, epoch, (0.9 if kind == "good" else 0.1) + 0.001 * number):
                verdicts[kind].append(epoch)
                study.finish(claim, "pruned")
                break
        else:
            study.finish(claim, "completed", 0.9)
    assert len(verdicts["bad"]) >= 6 and min(verdicts["bad"]) >= 2
    if pruner == "median":
        assert len(verdicts["bad"]) == 8 and not verdicts["good"]
    states = [v.state for v in study.views()]
    assert states.count("pruned") == sum(map(len, verdicts.values()))


def test_none_prunes_nothing(make_search: Make) -> None:
    study = SearchStudy(*make_search(f"{RATE}=1e-5..1e-2:log", pruner="none", trials=12))
    for number in range(12):
        claim = study.begin()
        assert claim and not any(study.report(claim, e, 1.0 / (number + 1)) for e in range(1, 9))
        study.finish(claim, "completed", 1.0)


@pytest.mark.parametrize("storage", ["", "sqlite"])
def test_two_processes_share_a_storage_and_the_number_of_trials(
    make_search: Make, tmp_path: Path, storage: str
) -> None:
    address = f"sqlite:///{tmp_path / 'trials.db'}" if storage else ""
    folder, plan = make_search(
        f"{RATE}=1e-5..1e-2:log", trials=5, storage=address, study="both" if storage else ""
    )
    other = (
        make_search(f"{RATE}=1e-5..1e-2:log", trials=5, storage=address, study="both")[0]
        if storage
        else folder
    )
    one, two = SearchStudy(folder, plan), SearchStudy(other, plan)
    claims = [s.begin() for s in (one, two, one, two, one)]
    assert all(claims) and one.begin() is None and two.begin() is None
    assert [c.number for c in claims if c] == [1, 2, 3, 4, 5]
    assert len({c.params[RATE] for c in claims if c}) == 5
    for study, claim in zip((one, two, one, two, one), claims, strict=True):
        assert claim
        study.finish(claim, "completed", 0.5)
    assert [v.state for v in one.views()] == ["completed"] * 5


def test_a_storage_with_another_search_of_that_name_is_refused(make_search: Make, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'trials.db'}"
    SearchStudy(*make_search(f"{RATE}=1e-5..1e-2:log", storage=address, study="both"))
    with pytest.raises(SearchError, match="differs in: space"):
        SearchStudy(*make_search(f"{RATE}=1e-5..1e-3:log", storage=address, study="both"))


def test_addresses_that_lead_nowhere_are_told_without_their_password(tmp_path: Path) -> None:
    for address in ("nonsense", "postgresql://me:secret@host/db", f"sqlite:///{tmp_path}/no/such/folder.db"):
        with pytest.raises(SearchError) as caught:
            open_storage(tmp_path / "x", address)
        assert caught.value.cure and "secret" not in f"{caught.value} {caught.value.cure}"


def test_a_trial_of_a_dead_process_is_continued_once_and_keeps_its_number(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=3)
    dead, one, two = (SearchStudy(folder, plan) for _ in range(3))
    lost = dead.begin()
    assert lost
    run = create_run(trial_config(plan, lost.params, runs_dir=str(folder.runs)), plan.task)
    dead.note_run(lost, run)
    dead.report(lost, 1, 0.4)
    host = {"host": dead._owner["host"], "create_time": 0.0}
    belong_to(
        dead, lost, pid=psutil.Process().pid, create_time=psutil.Process().create_time(), host=host["host"]
    )
    alive = one.begin()
    assert alive and alive.number == 2  # its process lives: nobody takes it
    belong_to(dead, lost, pid=dead_process(), **host)
    again = two.begin()
    assert again and again.run and (again.number, again.params, again.run.path) == (1, lost.params, run.path)
    third = one.begin()
    assert third and third.number == 3 and one.begin() is None
    two.report(again, 1, 0.4)  # what a resumed run says once more counts once
    two.report(again, 2, 0.6)
    two.finish(again, "completed", 0.6)
    dead.finish(lost, "completed", 0.1)  # it was not dead after all: its word does not count any more
    first = one.views()[0]
    assert (first.state, first.value, first.attempts, dict(first.curve)) == (
        "completed",
        0.6,
        2,
        {1: 0.4, 2: 0.6},
    )
    assert len(one.views()) == 3


def test_a_silent_machine_loses_its_trials_and_a_beating_one_keeps_them(
    make_search: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=1)
    far, near = SearchStudy(folder, plan), SearchStudy(folder, plan)
    claim = far.begin()
    assert claim
    belong_to(far, claim, host="elsewhere", pid=1, create_time=1.0)
    clock = [1000.0]
    monkeypatch.setattr("src.core.search.study.time.monotonic", lambda: clock[0])
    assert near.begin() is None and near.unsettled == 1  # not known yet
    far.beat(claim)
    assert near.begin() is None and near.unsettled == 0  # it lives, and needs no waiting for
    clock[0] += 200
    found = near.begin()
    assert found and found.number == 1


def test_what_was_released_is_taken_by_others_and_what_a_person_paused_not_by_the_same(
    make_search: Make,
) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=2)
    one, two = SearchStudy(folder, plan), SearchStudy(folder, plan)
    first, second = one.begin(), one.begin()
    assert first and second
    one.release(first)
    one.release(second, to_others_only=True)
    assert [v.state for v in one.views()] == ["interrupted", "interrupted"]
    found = [one.begin(), one.begin()]
    assert found[0] and found[0].number == 1 and found[1] is None
    left = two.begin()
    assert left and left.number == 2


def test_failed_trials_have_their_cause_and_do_not_count_as_best(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=6)
    study = SearchStudy(folder, plan)
    for number, value in enumerate([0.3, None, 0.7, 0.5, 0.6, 0.4]):
        claim = study.begin()
        assert claim
        study.report(claim, 1, 0.1 * number)
        if value is None:
            study.finish(
                claim,
                "failed",
                None,
                "The process was killed from outside (SIGKILL).",
                "Choose a smaller batch.",
            )
        else:
            study.finish(claim, "completed", value)
    views = study.views()
    assert views[1].state == "failed" and "SIGKILL" in views[1].cause and views[1].cure
    results = results_of(plan, views, study.importance())
    assert results["best"]["number"] == 3
    assert [h["best"] for h in results["history"]] == [0.3, 0.7, 0.7, 0.7, 0.7]
    assert results["importance"] == {RATE: 1.0}
    assert results["parallel"]["axes"][0]["label"] == "Learning rate"
    assert [line["number"] for line in results["parallel"]["lines"]] == [1, 3, 4, 5, 6]
    write_results(folder, plan, views, study.importance())
    assert json.loads(folder.results.read_text("utf-8"))["best"] == results["best"]
    best = resolve(plan.task.config, [file_layer(folder.best, plan.task.config)]).config
    assert best.training.optimizer.learning_rate == pytest.approx(views[2].params[RATE])
    assert best.name == "" and best.runs_dir == ""
    assert folder.state().state == "completed" and folder.state().best_value == 0.7


def test_a_torn_journal_is_mended_and_goes_on(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=4)
    study = SearchStudy(folder, plan)
    claim = study.begin()
    assert claim
    study.finish(claim, "completed", 0.5)
    whole = folder.journal.read_bytes()
    with folder.journal.open("ab") as handle:
        handle.write(b'{"op_code":4,"worker_id":"' + b"x" * 9000)
    again = SearchStudy(folder, plan)
    second = again.begin()
    assert second and second.number == 2
    assert [v.state for v in study.views()] == ["completed", "running"]  # also who had it open reads on
    assert folder.journal.read_bytes().startswith(whole) and not mend_journal(folder.journal)
    for line in folder.journal.read_text("utf-8").splitlines():
        json.loads(line)


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "j"
    journal.write_bytes(b"")
    assert JournalLock(journal).acquire()  # and never released
    late = JournalLock(journal)
    late.grace_period = 1
    assert late.acquire()
    late.release()


def test_a_damaged_journal_is_told(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log")
    folder.journal.write_text("no journal\nat all\n", "utf-8")
    with pytest.raises(SearchError, match="cannot be read"):
        SearchStudy(folder, plan)


def test_without_optuna_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SearchError) as caught:
        need_optuna()
    assert "pip install -r requirements-search.txt" in caught.value.cure


def test_the_number_of_trials_can_be_raised_later(make_search: Make) -> None:
    folder, plan = make_search(f"{RATE}=1e-5..1e-2:log", trials=1)
    take_all(SearchStudy(folder, plan), lambda p: 0.5)
    folder.change({"trials": 3})
    assert yaml.safe_load(folder.search.read_text("utf-8"))["trials"] == 3
    assert len(take_all(SearchStudy(folder, folder.plan(task_info)), lambda p: 0.5)) == 2
